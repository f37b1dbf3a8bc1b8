import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  checkTensorContents,
  type DecodedOutput,
  type EncodableInferRequest,
  isDataType,
  type SharedMemoryReference,
  StatusError,
  type WireParameter,
} from '@nereid/protocol';
import {
  type InferParameter,
  InferParameterSchema,
  ModelInferRequest_InferInputTensorSchema,
  ModelInferRequest_InferRequestedOutputTensorSchema,
  ModelInferRequestSchema,
  type ModelInferResponse,
  type ModelInferResponse_InferOutputTensor,
  ModelInferResponseSchema,
} from '@nereid/protocol/grpc-service';
import type { InferRequest, InferResult, ModelRef } from '../api/index.ts';
import { invalidResponse } from '../errors/index.ts';
import { modelNameAndVersion, prepareRequest, toInferResult } from '../request/index.ts';
import { typedContents } from './contents.ts';

/** A request on its way, and what its answer has to be read with. */
export interface EncodedInferMessage {
  readonly bytes: Uint8Array;
  /** Outputs that the server puts into shared memory. */
  readonly sharedOutputs: ReadonlySet<string>;
}

const MAX_INT64 = 2n ** 63n - 1n;

/** A `ModelInferRequest` with raw contents. Throws InferenceServerError INVALID_ARG. */
export function encodeInferMessage(model: ModelRef, request: InferRequest): EncodedInferMessage {
  const { name, version } = modelNameAndVersion(model);
  const prepared = prepareRequest(request);
  const message = create(ModelInferRequestSchema, {
    modelName: name,
    modelVersion: version,
    id: prepared.id,
    parameters: requestParameters(prepared),
    inputs: prepared.inputs.map((input) => {
      const { name: inputName, dataType, shape } = input.tensor;
      return create(ModelInferRequest_InferInputTensorSchema, {
        name: inputName,
        datatype: dataType,
        shape: shape.map(BigInt),
        parameters: input.form === 'sharedMemory' ? sharedMemoryParameters(input.sharedMemory) : {},
      });
    }),
    outputs: prepared.outputs.map(({ name: outputName, classCount, sharedMemory }) =>
      create(ModelInferRequest_InferRequestedOutputTensorSchema, {
        name: outputName,
        parameters: {
          ...(classCount > 0 ? { classification: integer(classCount) } : {}),
          ...(sharedMemory === undefined ? {} : sharedMemoryParameters(sharedMemory)),
        },
      }),
    ),
    rawInputContents: prepared.inputs.flatMap((input) => (input.form === 'sharedMemory' ? [] : [input.tensor.data])),
  });
  return { bytes: toBinary(ModelInferRequestSchema, message), sharedOutputs: sharedOutputsOf(prepared) };
}

function sharedOutputsOf({ outputs }: EncodableInferRequest): ReadonlySet<string> {
  return new Set(outputs.filter(({ sharedMemory }) => sharedMemory !== undefined).map(({ name }) => name));
}

function requestParameters(request: EncodableInferRequest): Record<string, InferParameter> {
  const { correlationId, sequenceStart, sequenceEnd, priority, timeoutMicros } = request;
  const hasSequence = correlationId !== 0n && correlationId !== '';
  const known: [string, InferParameter][] = [];
  if (hasSequence) {
    // The protocol keeps the id in 64 bits with sign.
    const id = typeof correlationId === 'bigint' ? BigInt.asIntN(64, correlationId) : correlationId;
    known.push(['sequence_id', parameter(id)]);
    known.push(['sequence_start', parameter(sequenceStart)], ['sequence_end', parameter(sequenceEnd)]);
  }
  if (priority !== 0) known.push(['priority', integer(priority)]);
  if (timeoutMicros !== 0) known.push(['timeout', integer(timeoutMicros)]);
  const custom = [...request.parameters].map(([name, value]): [string, InferParameter] => [name, parameter(value)]);
  return Object.fromEntries([...custom, ...known]);
}

function sharedMemoryParameters({ region, offset, byteSize }: SharedMemoryReference): Record<string, InferParameter> {
  return {
    shared_memory_region: parameter(region),
    shared_memory_byte_size: integer(byteSize),
    ...(offset === 0 ? {} : { shared_memory_offset: integer(offset) }),
  };
}

function integer(value: number): InferParameter {
  return parameter(BigInt(value));
}

function parameter(value: WireParameter): InferParameter {
  return create(InferParameterSchema, { parameterChoice: choice(value) });
}

function choice(value: WireParameter): InferParameter['parameterChoice'] {
  if (typeof value === 'boolean') return { case: 'boolParam', value };
  if (typeof value === 'string') return { case: 'stringParam', value };
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return { case: 'doubleParam', value };
  const whole = BigInt(value);
  return whole > MAX_INT64 ? { case: 'uint64Param', value: whole } : { case: 'int64Param', value: whole };
}

/** The result in a `ModelInferResponse`'s bytes. Throws InferenceServerError INVALID_RESPONSE. */
export function decodeInferMessage(bytes: Uint8Array, sharedOutputs: ReadonlySet<string>): InferResult {
  try {
    return resultOf(fromBinary(ModelInferResponseSchema, bytes), sharedOutputs);
  } catch (error) {
    throw unreadable(error);
  }
}

/** Throws StatusError or InferenceServerError for a response whose parts do not fit. */
export function resultOf(response: ModelInferResponse, sharedOutputs: ReadonlySet<string>): InferResult {
  const { outputs, rawOutputContents: raw } = response;
  if (raw.length > 0 && raw.length !== outputs.length) {
    throw invalidResponse(`the response has ${outputs.length} outputs and contents for ${raw.length}`);
  }
  const parameters = Object.entries(response.parameters).flatMap(([name, { parameterChoice }]) =>
    parameterChoice.case === undefined ? [] : [[name, parameterChoice.value] as const],
  );
  return toInferResult({
    id: response.id,
    modelName: response.modelName,
    modelVersion: response.modelVersion,
    parameters: new Map(parameters),
    outputs: outputs.map((output, index) => decodeOutput(output, raw[index], sharedOutputs)),
  });
}

function decodeOutput(
  { name, datatype, shape, contents }: ModelInferResponse_InferOutputTensor,
  raw: Uint8Array | undefined,
  sharedOutputs: ReadonlySet<string>,
): DecodedOutput {
  if (!isDataType(datatype)) throw invalidResponse(`output '${name}' has unknown datatype '${datatype}'`);
  const tensor = { name, dataType: datatype, shape: shape.map(Number) };
  const inSharedMemory = sharedOutputs.has(name) && (raw === undefined || raw.length === 0);
  if (inSharedMemory) return { ...tensor, data: undefined };
  const data = contents === undefined ? (raw ?? new Uint8Array(0)) : typedContents(name, datatype, contents);
  checkTensorContents({ ...tensor, data });
  return { ...tensor, data };
}

/** What a decoder threw, as the answer's fault. */
export function unreadable(error: unknown): Error {
  if (error instanceof Error && error.name === 'InferenceServerError') return error;
  const message = error instanceof StatusError || error instanceof Error ? error.message : String(error);
  return invalidResponse(`the response cannot be read: ${message}`, { cause: error });
}
