import type { ModelConfig } from '@nereid/protocol/model-config';
import { ENSEMBLE_PLATFORM, platformFitsBackend } from '../platform.ts';
import { invalid, type Problems } from '../problem.ts';

/** Name, platform, backend and the fields that stand alone. */
export function* platformProblems(config: ModelConfig): Problems {
  if (config.name === '') yield invalid("model configuration must specify 'name'", 'name');
  if (config.backend === '') {
    if (config.platform !== ENSEMBLE_PLATFORM) {
      yield invalid(`unexpected platform type '${config.platform}' for ${config.name}`, 'platform');
    }
  } else if (config.platform === ENSEMBLE_PLATFORM) {
    const rule = `must have platform type '${config.platform}' and empty backend type`;
    yield invalid(`Ensemble model '${config.name}' ${rule}`, 'backend');
  } else if (!platformFitsBackend(config.platform, config.backend)) {
    const pair = `${config.platform}, ${config.backend}`;
    yield invalid(`unexpected 'platform' and 'backend' pair, got:${pair}`, 'platform');
  }
  if (config.maxBatchSize < 0) {
    yield invalid(`'max_batch_size' must be non-negative value for ${config.name}`, 'max_batch_size');
  }
  if (!config.versionPolicy) yield invalid(`must specify 'version policy' for ${config.name}`, 'version_policy');
}
