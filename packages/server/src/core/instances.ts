import type { ModelConfig } from '../config/gen/model_config_pb.js';
import type { BackendModel, ModelInstance } from '../inference/index.ts';

/** Makes the instances of normalised instance groups, named `<group>_<n>`. Passive groups are made but get no requests in Triton; here they are left out. */
export async function createInstances(model: BackendModel, config: ModelConfig): Promise<ModelInstance[]> {
  const instances: ModelInstance[] = [];
  for (const group of config.instanceGroup) {
    if (group.passive) continue;
    for (let number = 0; number < group.count; number++) {
      instances.push(await model.createInstance(`${group.name}_${number}`));
    }
  }
  return instances;
}
