import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { StatusError } from '@nereid/protocol';
import { CONFIG_FILE, type ModelConfig } from '../../config/index.ts';
import type { WorkerSettings } from './runtime/messages.ts';

/** Model parameter `num_threads`; undefined when it is not given. Throws StatusError for what is no positive integer. */
export function numThreads(config: ModelConfig): number | undefined {
  const text = config.parameters['num_threads']?.stringValue;
  if (text === undefined) return undefined;
  const value = Number.parseInt(text, 10);
  if (!Number.isInteger(value))
    throw new StatusError('UNKNOWN', `DALI Backend error: parameter num_threads is "${text}", which is not an integer`);
  return value > 0 ? value : undefined;
}

/** Model parameter `split_along_outer_axis`: output names between colons. */
export function splitOutputs(config: ModelConfig): ReadonlySet<string> {
  const text = config.parameters['split_along_outer_axis']?.stringValue ?? '';
  return new Set(text.split(':').filter((name) => name !== ''));
}

/**
 * False only when the model's own config.pbtxt sets `max_batch_size: 0`: then requests are run one by one, and dims include the batch. An absent field
 * means batched; the parsed configuration cannot tell the two apart.
 */
export async function isBatched(modelDirectory: string): Promise<boolean> {
  const text = await readFile(path.join(modelDirectory, CONFIG_FILE), 'utf8').catch(() => '');
  const bare = text.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""').replace(/#.*/g, '');
  const value = bare.match(/(?:^|[\s;,])max_batch_size\s*:\s*([^\s;,}]+)/)?.[1];
  return value === undefined || Number(value) !== 0;
}

/**
 * `--backend-config=dali,…`: `max_image_pixels` (100 million), `max_memory_bytes` per thread (1 GiB) and `max_output_bytes` per output and request (2 GiB).
 * Throws StatusError INVALID_ARG for what is no positive integer.
 */
export function workerSettings(backendConfig: ReadonlyMap<string, string>): WorkerSettings {
  return {
    maxImagePixels: limit(backendConfig, 'max_image_pixels', 100_000_000),
    maxMemoryBytes: limit(backendConfig, 'max_memory_bytes', 1024 ** 3),
    maxOutputBytes: limit(backendConfig, 'max_output_bytes', 2 * 1024 ** 3),
  };
}

function limit(backendConfig: ReadonlyMap<string, string>, name: string, fallback: number): number {
  const text = backendConfig.get(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw new StatusError(
      'INVALID_ARG',
      `backend configuration ${name} of dali is '${text}', expected a positive integer`,
    );
  }
  return value;
}
