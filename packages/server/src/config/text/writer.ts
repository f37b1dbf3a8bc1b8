import { toText } from '@bufbuild/protobuf/txtpb';
import { type ModelConfig, ModelConfigSchema } from '@nereid/protocol/model-config';

/** A configuration as `config.pbtxt` holds it: fields that are not set are left out. */
export function modelConfigToText(config: ModelConfig): string {
  return toText(ModelConfigSchema, config);
}
