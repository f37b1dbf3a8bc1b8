import { equals } from '@bufbuild/protobuf';
import { StatusError } from '@nereid/protocol';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import { IdentityBackend } from '../../backends/identity/index.ts';
import { OnnxRuntimeBackend, SharedRuntime } from '../../backends/onnxruntime/index.ts';
import { type ModelConfig, parseModelConfigText } from '../../config/index.ts';
import { Core, type ModelVersion } from '../../core/index.ts';
import type { Backend, BackendModel } from '../../inference/index.ts';
import { ModelRepositoryManager } from '../manager.ts';
import { FakeLog } from './fake-loader.ts';

/** Takes any model and runs none: for what is said about models before anything runs. */
class IdleBackend implements Backend {
  readonly name: string;
  readonly defaultInstanceCount: number;

  constructor(name: string, defaultInstanceCount: number) {
    this.name = name;
    this.defaultInstanceCount = defaultInstanceCount;
  }

  async load(): Promise<BackendModel> {
    const execute = () => {
      throw new StatusError('UNSUPPORTED', `backend '${this.name}' runs nothing`);
    };
    return { createInstance: async (name) => ({ name, execute }), unload: async () => {} };
  }
}

export interface LoadedRepository {
  /** Every model is ready. */
  readonly started: boolean;
  /** Errors and warnings: `E model_lifecycle.cc] text`. */
  readonly log: readonly string[];
  /** The complete configuration of a model that is ready, else undefined. */
  config(name: string): ModelConfig | undefined;
}

/**
 * Loads a repository as the server does, without front ends, and hands it to `look` while it is loaded.
 * @param idleBackends backends whose models are taken unseen, with the instances they have on a CPU
 */
export async function loadRepository<T>(
  path: string,
  options: { autoComplete: boolean; idleBackends: ReadonlyMap<string, number> },
  look: (loaded: LoadedRepository) => T,
): Promise<T> {
  const log = new FakeLog();
  const runtime = new SharedRuntime();
  const backends = new Map<string, Backend>([
    ['onnxruntime', new OnnxRuntimeBackend(runtime)],
    ['identity', new IdentityBackend()],
  ]);
  for (const [name, count] of options.idleBackends) backends.set(name, new IdleBackend(name, count));
  let store: ModelRepositoryManager<ModelVersion> | undefined;
  const { autoComplete } = options;
  const repository = { paths: [path], controlMode: 'none', startupModels: [], autoComplete } as const;
  const core = new Core({
    id: 'check',
    version: '0',
    extensions: [],
    backends,
    log,
    createStore: (loader) => {
      store = new ModelRepositoryManager(repository, loader, log);
      return store;
    },
  });
  try {
    await core.start();
    const config = (name: string) => (core.readyVersions(name).length > 0 ? core.getModel(name, -1).config : undefined);
    return look({ started: store?.startupFailure === undefined, log: log.lines, config });
  } finally {
    await core.stop(1000);
    await runtime.close();
  }
}

/** Whether a configuration is the one that a text stands for. */
export function isConfigOfText(config: ModelConfig, text: string): boolean {
  return equals(ModelConfigSchema, config, parseModelConfigText(text));
}
