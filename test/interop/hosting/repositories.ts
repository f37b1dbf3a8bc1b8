import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAddSub, writeTestRepository } from '../../support/model-repository.ts';

/** The repositories that the tests pack: `image` (the ensemble and its parts), `onnx` (one model), `broken` (one that does not load). */
export function writeRepositories(directory: string): void {
  const all = join(directory, 'all');
  writeTestRepository(all);
  for (const model of ['preprocess', 'classifier', 'image_ensemble'])
    cpSync(join(all, model), join(directory, 'image', model), { recursive: true });
  writeAddSub(join(directory, 'onnx'));
  writeAddSub(join(directory, 'broken'));
  mkdirSync(join(directory, 'broken/add_sub'), { recursive: true });
  writeFileSync(
    join(directory, 'broken/add_sub/config.pbtxt'),
    'name: "add_sub"\nplatform: "onnxruntime_onnx"\nmax_batch_size: oops\n',
  );
}
