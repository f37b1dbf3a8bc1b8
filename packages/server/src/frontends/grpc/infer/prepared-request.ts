import { cString, StatusError, type WireOutput } from '@nereid/protocol';
import type {
  Cancellation,
  InferenceRequest,
  InferenceResponse,
  ModelHandle,
  ParameterValue,
} from '../../../inference/index.ts';
import { OutputPlan } from '../../wire/output-plan.ts';
import type { InferRequestMessage } from '../codec/infer-request.ts';
import type { InferResponseMessage } from '../codec/infer-response.ts';
import type { GrpcContext } from '../context.ts';
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
  const inputs = readInputs(message, {
    maxTypedBytes: context.limits.maxMessageBytes,
    sharedMemory: (reference) => context.sharedMemory(reference),
  });
  const outputs = message.outputs.length === 0 ? NO_OUTPUTS : message.outputs.map(readOutput);
  for (const { sharedMemory } of outputs) if (sharedMemory !== undefined) context.sharedMemory(sharedMemory);
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
  return { request, model, plan, emptyFinalResponse: parameters.emptyFinalResponse };
}

/** A response of the core as the wire has it. Throws StatusError for classes that cannot be made. */
export function responseMessage(
  { model, plan }: PreparedRequest,
  response: InferenceResponse,
  finalResponse?: boolean,
): InferResponseMessage {
  return {
    modelName: response.modelName,
    modelVersion: String(response.modelVersion),
    id: response.id,
    parameters: response.parameters,
    outputs: plan.classified(response.outputs, model),
    elsewhere: (name) => plan.form(name) === 'sharedMemory',
    finalResponse,
  };
}

/** The answer to a request that did not come to exactly one response. */
export function notOneResponse(count: number): StatusError {
  return new StatusError('INTERNAL', `expected a single response, got ${count}`);
}
