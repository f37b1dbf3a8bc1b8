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
import { OutputPlan } from '../../wire/output-plan.ts';
import type { InferRequestMessage } from '../codec/infer-request.ts';
import type { InferResponseMessage } from '../codec/infer-response.ts';
import { type GrpcContext, NO_REGIONS } from '../context.ts';
import type { ServerCall } from '../transport/server-call.ts';
import { readInputs } from './inputs.ts';
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
  context.forwarding.forward(call, parameters.custom);
  const lease = context.sharedMemory?.allowed === true ? context.sharedMemory.lease() : undefined;
  const { inputs, outputs } = readTensors(context, message, lease);
  const plan = new OutputPlan(outputs, true);
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
  };
  return { request, model, plan, emptyFinalResponse: parameters.emptyFinalResponse, lease };
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

/** Hands a request to the core. The regions it uses are let go behind its final response. Throws StatusError when it is refused. */
export function runRequest(context: GrpcContext, { request, lease }: PreparedRequest, respond: ResponseHandler): void {
  if (lease === undefined) {
    context.server.infer(request, respond);
    return;
  }
  try {
    context.server.infer(request, (response, final) => {
      try {
        respond(response, final);
      } finally {
        if (final) lease.release();
      }
    });
  } catch (error) {
    lease.release();
    throw error;
  }
}

/** A response of the core as the wire has it. Throws StatusError for classes that cannot be made. */
export function responseMessage(
  { model, plan, lease }: PreparedRequest,
  response: InferenceResponse,
  finalResponse?: boolean,
): InferResponseMessage {
  const outputs = lease?.placeOutputs(response.outputs, (name) => plan.place(name)) ?? response.outputs;
  return {
    modelName: response.modelName,
    modelVersion: String(response.modelVersion),
    id: response.id,
    parameters: response.parameters,
    outputs: plan.classified(outputs, model),
    elsewhere: (name) => plan.form(name) === 'sharedMemory',
    finalResponse,
  };
}

/** The answer to a request that did not come to exactly one response. */
export function notOneResponse(count: number): StatusError {
  return new StatusError('INTERNAL', `expected a single response, got ${count}`);
}
