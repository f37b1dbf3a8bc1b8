import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Model } from '@nereid/onnx';
import type { BackendModel, ModelSignature } from '../../../inference/index.ts';
import { configured, loadContext } from '../../batch/test-support/requests.ts';
import { OnnxRuntimeBackend, SharedRuntime } from '../index.ts';
import { addSub, versionDirectory } from './models.ts';

export const IO = ['INPUT0', 'INPUT1']
  .map((name) => `input { name: "${name}" data_type: TYPE_INT32 dims: [ 4 ] }`)
  .join('\n');
export const OUTPUTS = ['OUTPUT0', 'OUTPUT1']
  .map((name) => `output { name: "${name}" data_type: TYPE_INT32 dims: [ 4 ] }`)
  .join('\n');
export const HEAD = 'name: "m" platform: "onnxruntime_onnx" backend: "onnxruntime"';
/** Goes with `addSub()`. */
export const ADD_SUB = `${HEAD} max_batch_size: 8 ${IO} ${OUTPUTS}`;

export interface Loaded {
  readonly model: BackendModel;
  readonly signature: ModelSignature;
}

/** A backend with directories to load from. */
export class TestBackend {
  readonly backend: OnnxRuntimeBackend;
  readonly root = mkdtempSync(path.join(tmpdir(), 'nereid-onnx-backend-'));
  readonly #runtime = new SharedRuntime({ intraOpThreads: 1 });

  constructor() {
    this.backend = new OnnxRuntimeBackend(this.#runtime);
  }

  async load(text: string, model: Model | Uint8Array = addSub(), file = 'model.onnx'): Promise<Loaded> {
    const { config, signature } = configured(text);
    const { context } = loadContext(config, versionDirectory(this.root, { [file]: model }));
    return { model: await this.backend.load(context, signature), signature };
  }

  async close(): Promise<void> {
    await this.#runtime.close();
    rmSync(this.root, { recursive: true });
  }
}
