import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  InferParameterSchema,
  InferTensorContentsSchema,
  ModelInferResponse,
} from '@nereid/protocol/grpc-service';

type Contents = MessageInitShape<typeof InferTensorContentsSchema>;
type Parameter = MessageInitShape<typeof InferParameterSchema>;

interface PlainTensor {
  readonly name: string;
  readonly parameters?: Record<string, Parameter>;
}

/** A request as a plain object. */
export interface PlainRequest {
  readonly modelName: string;
  readonly modelVersion?: string;
  readonly id?: string;
  readonly parameters?: Record<string, Parameter>;
  readonly inputs: (PlainTensor & {
    readonly datatype: string;
    readonly shape: bigint[];
    readonly contents?: Contents;
  })[];
  readonly outputs?: PlainTensor[];
  readonly rawInputContents?: Uint8Array[];
}

/** A request with one INT32 input in raw contents. */
export function int32Request(
  modelName: string,
  values: readonly number[],
  more: Partial<PlainRequest> = {},
): PlainRequest {
  return {
    modelName,
    inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1n, BigInt(values.length)] }],
    rawInputContents: [int32Bytes(values)],
    ...more,
  };
}

export function int32Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** The values of an output of INT32. */
export function int32Output(response: ModelInferResponse | undefined, index = 0): number[] {
  const bytes = response!.rawOutputContents[index]!;
  return [...new Int32Array(new Uint8Array(bytes).buffer)];
}

export const bool = (value: boolean): Parameter => ({ parameterChoice: { case: 'boolParam', value } });
export const int64 = (value: bigint): Parameter => ({ parameterChoice: { case: 'int64Param', value } });
export const uint64 = (value: bigint): Parameter => ({ parameterChoice: { case: 'uint64Param', value } });
export const string = (value: string): Parameter => ({ parameterChoice: { case: 'stringParam', value } });
export const double = (value: number): Parameter => ({ parameterChoice: { case: 'doubleParam', value } });

/** A response's parameters as plain values. */
export function plainParameters(response: ModelInferResponse | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(response?.parameters ?? {}).map(([name, { parameterChoice }]) => [name, parameterChoice.value]),
  );
}
