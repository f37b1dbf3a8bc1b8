import type { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { completeModelConfig, modelSignature } from '../../config/index.ts';
import type { Logger, ModelHandle, ModelLoadContext } from '../../inference/index.ts';
import type { LoadedVersion, ModelLabels, VersionLoader } from '../version-loader.ts';

export interface FakeVersion extends LoadedVersion {
  readonly context: ModelLoadContext;
  unloaded: boolean;
}

/** Loads anything whose files are there, and notes what happened in which order. A test may make loads fail or wait. */
export class FakeLoader implements VersionLoader<FakeVersion> {
  readonly events: string[] = [];
  readonly failures = new Map<string, StatusError>();
  /** Called before each load; may wait. */
  beforeLoad: (name: string, version: number) => Promise<void> = async () => {};
  beforeUnload: (name: string) => Promise<void> = async () => {};

  completeConfig(context: ModelLoadContext): Promise<ModelConfig> {
    return completeModelConfig(context.config, { defaultInstanceCount: 1 });
  }

  async load(context: ModelLoadContext, labels: ModelLabels): Promise<FakeVersion> {
    const { modelName: name, version, config } = context;
    await this.beforeLoad(name, version);
    const failure = this.failures.get(name) ?? this.failures.get(`${name}:${version}`);
    if (failure) throw failure;
    this.events.push(`load ${name}:${version}`);
    const handle: ModelHandle = {
      name,
      version,
      config,
      signature: modelSignature(config),
      labels: (output) => labels.get(output),
    };
    const loaded: FakeVersion = {
      handle,
      context,
      unloaded: false,
      unload: async () => {
        await this.beforeUnload(name);
        loaded.unloaded = true;
        this.events.push(`unload ${name}:${version}`);
      },
    };
    return loaded;
  }
}

/** Keeps what is logged: `E message`. */
export class FakeLog implements Logger {
  readonly lines: string[] = [];

  error(message: string, source = ''): void {
    this.lines.push(`E ${source}] ${message}`);
  }

  warning(message: string, source = ''): void {
    this.lines.push(`W ${source}] ${message}`);
  }

  info(): void {}

  verbose(): void {}

  /** Takes what was logged so far. */
  take(): string[] {
    return this.lines.splice(0);
  }
}
