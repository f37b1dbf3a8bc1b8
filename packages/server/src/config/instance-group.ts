import { create } from '@bufbuild/protobuf';
import {
  ModelInstanceGroup_Kind as Kind,
  type ModelConfig,
  type ModelInstanceGroup,
  ModelInstanceGroupSchema,
} from '@nereid/protocol/model-config';
import { ENSEMBLE_PLATFORM, TENSORRT_PLATFORM } from './platform.ts';
import { invalid, type Problems } from './problem.ts';

/** Instances of one group. Each costs memory and a place in the scheduler; Triton has no bound of its own. */
const MAX_INSTANCES = 4096;

/**
 * Gives every instance group a name, a kind and a count, and a model without groups one named like the model. Ensembles have no instances.
 * @param defaultInstanceCount of a KIND_CPU group whose count is not given (`Backend.defaultInstanceCount`); other kinds get 1
 */
export function normalizeInstanceGroups(config: ModelConfig, defaultInstanceCount: number): void {
  if (config.schedulingChoice.case === 'ensembleScheduling') return;
  if (config.instanceGroup.length === 0) {
    config.instanceGroup.push(create(ModelInstanceGroupSchema, { name: config.name }));
  }
  for (const [index, group] of config.instanceGroup.entries()) {
    if (group.name === '') group.name = `${config.name}_${index}`;
    if (group.kind === Kind.AUTO) group.kind = Kind.CPU;
    if (group.count < 1) group.count = group.kind === Kind.CPU ? defaultInstanceCount : 1;
  }
}

/** Checks normalised instance groups as a server without GPUs does. */
export function* instanceGroupProblems(config: ModelConfig): Problems {
  if (config.schedulingChoice.case === 'ensembleScheduling' || config.platform === ENSEMBLE_PLATFORM) return;
  if (config.instanceGroup.length === 0) {
    yield invalid(`must specify one or more 'instance group's for ${config.name}`, 'instance_group');
  }
  for (const [index, group] of config.instanceGroup.entries()) yield* groupProblems(config, group, index);
}

function* groupProblems(config: ModelConfig, group: ModelInstanceGroup, index: number): Problems {
  const subject = `instance group ${group.name} of model ${config.name}`;
  const path = ['instance_group', index] as const;
  if (group.kind === Kind.GPU) {
    yield invalid(`${subject} has kind KIND_GPU but server does not support GPUs`, ...path, 'kind');
  } else if (group.gpus.length > 0) {
    const kind = group.kind === Kind.MODEL ? 'KIND_MODEL' : 'KIND_CPU';
    yield invalid(`${subject} has kind ${kind} but specifies one or more GPUs`, ...path, 'gpus');
  }
  if (group.profile.length > 0 && config.platform !== TENSORRT_PLATFORM) {
    const platform = `and platform ${config.platform}specifies profile field`;
    yield invalid(`${subject} ${platform} which is only supported for TensorRT models`, ...path, 'profile');
  }
  if (group.count > MAX_INSTANCES) {
    yield invalid(`${subject} has count ${group.count}, at most ${MAX_INSTANCES} are supported`, ...path, 'count');
  }
}
