import { cString, StatusError, type WireOutput } from '@nereid/protocol';
import type {
  Cancellation,
  InferenceRequest,
  InferenceResponse,
  ModelHandle,
  ParameterValue,
  ResponseHandler,
  SharedMemoryLease,
} from '../../../inference/index.ts';
import { CallTrace, takeTiming } from '../../wire/call-trace.ts';
import { OutputPlan } from '../../wire/output-plan.ts';
import type { InferRequestMessage } from '../codec/infer-request.ts';
import type { InferResponseMessage } from '../codec/infer-response.ts';
import { type GrpcContext, NO_REGIONS } from '../context.ts';
import type { ServerCall } from '../transport/server-call.ts';
import { readInputs } from './inputs.ts';
import { checkNames } from './names.ts';
import { readOutput } from './outputs.ts';
import { RequestParameters } from './parameters.ts';

const NO_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map();
const NO_OUTPUTS: readonly WireOutput[] = [];

/** A request on its way into the core, and what is needed to answer it. */
export interface PreparedRequest {
  readonly request: InferenceRequest;
  readonly model: ModelHandle;
  readonly plan: OutputPlan;
  readonly emptyFinalResponse: boolean;
  /** The regions it may use. */
  readonly lease: SharedMemoryLease | undefined;
  /** Set when somebody wants to know where its time goes. */
  readonly trace: CallTrace | undefined;
}

/** When a request was received, as InferenceRequest wants it. */
export function receivedNow(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

/** From the wire to what the core takes. Throws StatusError with Triton's texts. */
export function prepareRequest(
  context: GrpcContext,
  call: ServerCall,
  message: InferRequestMessage,
  model: ModelHandle,
  modelVersion: number,
  cancellation: Cancellation,
  receivedNs: number,
): PreparedRequest {
  const parameters = new RequestParameters();
  parameters.read(message.parameters);
  checkNames(message);
  context.forwarding.forward(call, parameters.custom);
  const timing = takeTiming(parameters.custom, call.headers);
  const lease = context.sharedMemory?.allowed === true ? context.sharedMemory.lease() : undefined;
  const { inputs, outputs } = readTensors(context, message, lease);
  const plan = new OutputPlan(outputs, true);
  const trace = CallTrace.begin(context.tracer, model.name, call.headers, timing);
  trace?.mark('GRPC_WAITREAD_START', receivedNs);
  trace?.mark('GRPC_WAITREAD_END');
  const request: InferenceRequest = {
    id: cString(message.id),
    modelName: model.name,
    modelVersion,
    inputs,
    requestedOutputs: plan.names,
    parameters: parameters.custom.size === 0 ? NO_PARAMETERS : parameters.custom,
    correlationId: parameters.correlationId,
    sequenceStart: parameters.sequenceStart,
    sequenceEnd: parameters.sequenceEnd,
    priority: parameters.priority,
    timeoutMicros: parameters.timeoutMicros,
    cancellation,
    receivedNs,
    trace: trace?.trace,
  };
  return { request, model, plan, emptyFinalResponse: parameters.emptyFinalResponse, lease, trace };
}

function readTensors(context: GrpcContext, message: InferRequestMessage, lease: SharedMemoryLease | undefined) {
  const sharedMemory = lease ?? NO_REGIONS;
  try {
    const inputs = readInputs(message, { maxTypedBytes: context.limits.maxMessageBytes, sharedMemory });
    const outputs = message.outputs.length === 0 ? NO_OUTPUTS : message.outputs.map(readOutput);
    for (const output of outputs) if (output.sharedMemory !== undefined) sharedMemory.reserve(output.sharedMemory);
    return { inputs, outputs };
  } catch (error) {
    lease?.release();
    throw error;
  }
}

/**
 * Hands a request to the core. Behind its final response the regions it uses are let go and its trace ends. Throws StatusError when it is
 * refused.
 */
export function runRequest(
  context: GrpcContext,
  { request, lease, trace }: PreparedRequest,
  respond: ResponseHandler,
): void {
  if (lease === undefined && trace === undefined) {
    context.server.infer(request, respond);
    return;
  }
  try {
    context.server.infer(request, (response, final) => {
      if (!final) {
        respond(response, false);
        return;
      }
      trace?.mark('INFER_RESPONSE_COMPLETE');
      trace?.mark('GRPC_SEND_START');
      try {
        respond(response, true);
      } finally {
        lease?.release();
        trace?.mark('GRPC_SEND_END');
        trace?.end();
      }
    });
  } catch (error) {
    lease?.release();
    trace?.end();
    throw error;
  }
}

/** A response of the core as the wire has it. Throws StatusError for classes that cannot be made. */
export function responseMessage(
  prepared: PreparedRequest,
  response: InferenceResponse,
  finalResponse?: boolean,
): InferResponseMessage {
  const message = unclassifiedMessage(prepared, response, finalResponse);
  const { plan, model } = prepared;
  const outputs = plan.classified(message.outputs, model);
  return outputs === message.outputs ? message : { ...message, outputs };
}

/** A response as the wire has it, but that classes are still to be found in its outputs. */
export function unclassifiedMessage(
  { plan, lease, trace }: PreparedRequest,
  response: InferenceResponse,
  finalResponse?: boolean,
): InferResponseMessage {
  const timed = (finalResponse !== false && trace?.withTiming(response)) || response;
  const outputs = lease?.placeOutputs(response.outputs, (name) => plan.place(name)) ?? response.outputs;
  return {
    modelName: response.modelName,
    modelVersion: String(response.modelVersion),
    id: response.id,
    parameters: timed.parameters,
    outputs,
    elsewhere: (name) => plan.form(name) === 'sharedMemory',
    finalResponse,
  };
}

/** The answer to a request that did not come to exactly one response. */
export function notOneResponse(count: number): StatusError {
  return new StatusError('INTERNAL', `expected a single response, got ${count}`);
}
