import { create, toBinary } from '@bufbuild/protobuf';
import { ModelInferRequestSchema } from '@nereid/protocol/grpc-service';

const PREFIX_BYTES = 5;

export const MODEL_INFER_PATH = '/inference.GRPCInferenceService/ModelInfer';

export interface RawInput {
  readonly name: string;
  readonly dataType: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/** A `ModelInfer` request with raw contents, behind its gRPC prefix; base64, as the load generator takes it. */
export function modelInferRequest(modelName: string, inputs: readonly RawInput[]): string {
  const message = toBinary(
    ModelInferRequestSchema,
    create(ModelInferRequestSchema, {
      modelName,
      inputs: inputs.map(({ name, dataType, shape }) => ({ name, datatype: dataType, shape: shape.map(BigInt) })),
      rawInputContents: inputs.map(({ data }) => data),
    }),
  );
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]).toString('base64');
}
