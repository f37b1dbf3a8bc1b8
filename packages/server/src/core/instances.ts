import type { ModelConfig, ModelInstanceGroup } from '@nereid/protocol/model-config';
import type { BackendModel, ModelInstance } from '../inference/index.ts';
import type { InstanceLimits } from '../schedulers/index.ts';

export interface CreatedInstance {
  readonly instance: ModelInstance;
  readonly limits: InstanceLimits;
}

/** Makes the instances of normalised instance groups, named `<group>_<n>`. A passive group takes no requests, so it gets none. */
export async function createInstances(model: BackendModel, config: ModelConfig): Promise<CreatedInstance[]> {
  const created: CreatedInstance[] = [];
  for (const group of config.instanceGroup) {
    if (group.passive) continue;
    for (let number = 0; number < group.count; number++) {
      created.push({ instance: await model.createInstance(`${group.name}_${number}`), limits: instanceLimits(group) });
    }
  }
  return created;
}

function instanceLimits({ rateLimiter }: ModelInstanceGroup): InstanceLimits {
  const resources = rateLimiter?.resources ?? [];
  const counts = (global: boolean) =>
    new Map(resources.filter((each) => each.global === global).map(({ name, count }) => [name, count]));
  return { needs: { global: counts(true), device: counts(false) }, priority: rateLimiter?.priority ?? 0 };
}
