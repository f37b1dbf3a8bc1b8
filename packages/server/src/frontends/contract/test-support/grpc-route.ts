import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceError } from '@grpc/grpc-js';
import { GRPCInferenceService, type InferTensorContentsSchema } from '@nereid/protocol/grpc-service';
import type { GrpcClient } from '../../grpc/test-support/grpc-client.ts';
import { bool, double, int64, string } from '../../grpc/test-support/messages.ts';
import type { ContractRequest, ContractTensor, Value } from './cases.ts';
import { type PlainAnswer, toBytes } from './values.ts';

const { modelInfer } = GRPCInferenceService.method;
type Contents = MessageInitShape<typeof InferTensorContentsSchema>;

/** Sends a request over gRPC, contents as typed elements or as raw bytes. */
export async function overGrpc(client: GrpcClient, request: ContractRequest, raw: boolean): Promise<PlainAnswer> {
  try {
    const answer = await client.unary(modelInfer, {
      modelName: request.model,
      modelVersion: request.version ?? '',
      id: request.id ?? '',
      parameters: Object.fromEntries(
        Object.entries(request.parameters ?? {}).map(([name, value]) => [name, parameter(value)]),
      ),
      inputs: request.inputs.map((input) => ({
        name: input.name,
        datatype: input.dataType,
        shape: input.shape.map(BigInt),
        ...(raw ? {} : { contents: typedContents(input) }),
      })),
      outputs: (request.outputs ?? []).map(({ name, classes }) => ({
        name,
        ...(classes === undefined ? {} : { parameters: { classification: int64(BigInt(classes)) } }),
      })),
      rawInputContents: raw ? request.inputs.map(({ dataType, values }) => toBytes(dataType, values)) : [],
    });
    const outputs = answer.outputs.map(({ name, datatype, shape }, index) => ({
      name,
      dataType: datatype,
      shape: shape.map(Number),
      bytes: Buffer.from(answer.rawOutputContents[index]!).toString('hex'),
    }));
    return { model: answer.modelName, version: answer.modelVersion, id: answer.id, outputs };
  } catch (error) {
    const { code, details } = error as ServiceError;
    return { status: code, message: details };
  }
}

function parameter(value: Value) {
  if (typeof value === 'boolean') return bool(value);
  if (typeof value === 'bigint') return int64(value);
  return typeof value === 'string' ? string(value) : double(value);
}

function typedContents({ dataType, values }: ContractTensor): Contents {
  switch (dataType) {
    case 'BOOL':
      return { boolContents: values as boolean[] };
    case 'INT64':
      return { int64Contents: values as bigint[] };
    case 'UINT64':
      return { uint64Contents: values as bigint[] };
    case 'FP32':
      return { fp32Contents: values as number[] };
    case 'FP64':
      return { fp64Contents: values as number[] };
    case 'BYTES':
      return { bytesContents: values.map((value) => Buffer.from(value as string)) };
    default:
      return dataType.startsWith('UINT') ? { uintContents: values as number[] } : { intContents: values as number[] };
  }
}
