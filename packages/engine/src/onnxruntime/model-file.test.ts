import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { EngineError, OnnxRuntime, OnnxRuntimeError } from './index.ts';
import { addSubModel, externalTensor, field, message, model, node, TYPE, tensor } from './test-support/onnx-bytes.ts';

const runtime = new OnnxRuntime({ intraOpThreads: 1 });
const root = mkdtempSync(path.join(tmpdir(), 'nereid-model-file-'));
let directory = root;
let count = 0;
beforeEach(() => {
  directory = path.join(root, String(count++));
  mkdirSync(directory);
});
after(async () => {
  await runtime.close();
  rmSync(root, { recursive: true });
});

const WEIGHTS = new Uint8Array(Float32Array.from([1, 2, 3, 4]).buffer);

/** Y = X + W with W of shape [4] as given. */
function addModel(weights: { initializers?: Buffer[]; sparseInitializers?: Buffer[] }): Buffer {
  const specs = (name: string) => [{ name, type: TYPE.FLOAT, dims: [4] }];
  return model({ nodes: [node('Add', ['X', 'W'], ['Y'])], inputs: specs('X'), outputs: specs('Y'), ...weights });
}

function externalModel(entries: Record<string, string>): Buffer {
  return addModel({ initializers: [externalTensor('W', TYPE.FLOAT, [4], entries)] });
}

function write(name: string, contents: Uint8Array): string {
  const file = path.join(directory, name);
  writeFileSync(file, contents);
  return file;
}

async function run(file: string): Promise<number[]> {
  const session = await runtime.load(file);
  const [output] = session.runSync([{ input: 0, dataType: 'FP32', shape: [4], data: new Uint8Array(16) }]);
  await session.release();
  return [...new Float32Array(output?.data.slice().buffer ?? new ArrayBuffer(0))];
}

function makePipe(file: string): void {
  const command = 'mkfifo';
  execFileSync(command, [file]);
}

async function refused(bytes: Uint8Array, reason: RegExp): Promise<void> {
  const file = write('model.onnx', bytes);
  await assert.rejects(runtime.load(file), (error) => error instanceof EngineError && reason.test(error.message));
}

describe('models from files', () => {
  it('reads weights kept beside the model', async () => {
    write('w.bin', new Uint8Array([...new Uint8Array(8), ...WEIGHTS]));
    const file = write('model.onnx', externalModel({ location: 'w.bin', offset: '8', length: '16' }));
    assert.deepEqual(await run(file), [1, 2, 3, 4]);
  });

  it('reads them from a directory below too', async () => {
    mkdirSync(path.join(directory, 'weights'));
    write('weights/w.bin', WEIGHTS);
    assert.deepEqual(await run(write('model.onnx', externalModel({ location: './weights/w.bin' }))), [1, 2, 3, 4]);
  });

  it('refuses locations outside the directory of the model', async () => {
    writeFileSync(path.join(root, 'outside.bin'), WEIGHTS);
    for (const location of ['../outside.bin', 'a/../../outside.bin', '..', 'x/..']) {
      await refused(externalModel({ location }), /leaves the directory/);
    }
    for (const location of [
      '/etc/passwd',
      path.join(root, 'outside.bin'),
      'C:\\w.bin',
      '\\\\host\\share\\w.bin',
      'c:w.bin',
    ]) {
      await refused(externalModel({ location }), /not relative/);
    }
    await refused(externalModel({ location: 'a\\..\\..\\outside.bin' }), /backslash/);
    await refused(externalModel({ location: 'w.bin\0.txt' }), /NUL/);
    await refused(externalModel({ location: '' }), /names no file/);
    await refused(externalModel({ location: 'x'.repeat(5000) }), /too long/);
  });

  it('refuses the names ONNX Runtime keeps for addresses in its memory', async () => {
    mkdirSync(path.join(directory, '*', '_ORT_MEM_ADDR_'), { recursive: true });
    write('*/_ORT_MEM_ADDR_/*', WEIGHTS);
    await refused(externalModel({ location: '*/_ORT_MEM_ADDR_/*', offset: '4096', length: '16' }), /contains a '\*'/);
  });

  it('refuses sparse initialisers that point outside', async () => {
    const values = externalTensor('W', TYPE.FLOAT, [4], { location: '../../etc/passwd' });
    const indices = tensor('', TYPE.INT64, [4], new Uint8Array(BigInt64Array.from([0n, 1n, 2n, 3n]).buffer));
    const sparse = message(field(1, values), field(2, indices), field(3, 4));
    await refused(addModel({ sparseInitializers: [sparse] }), /leaves the directory/);
  });

  it('refuses symbolic links, on the file and on the way to it', async () => {
    writeFileSync(path.join(root, 'outside.bin'), WEIGHTS);
    symlinkSync(path.join(root, 'outside.bin'), path.join(directory, 'link.bin'));
    symlinkSync(root, path.join(directory, 'parent'));
    await refused(externalModel({ location: 'link.bin' }), /symbolic link/);
    await refused(externalModel({ location: 'parent/outside.bin' }), /symbolic link/);
  });

  it('refuses hard links, directories and pipes', async () => {
    writeFileSync(path.join(root, 'outside.bin'), WEIGHTS);
    linkSync(path.join(root, 'outside.bin'), path.join(directory, 'hard.bin'));
    mkdirSync(path.join(directory, 'folder'));
    await refused(externalModel({ location: 'hard.bin' }), /hard link/);
    await refused(externalModel({ location: 'folder' }), /not a regular file/);
    if (process.platform === 'win32') return;
    makePipe(path.join(directory, 'pipe'));
    await refused(externalModel({ location: 'pipe' }), /not a regular file/);
    await assert.rejects(runtime.load(path.join(directory, 'pipe')), /not a regular file/);
  });

  it('refuses offsets and lengths that lie', async () => {
    write('w.bin', WEIGHTS);
    for (const entries of [
      { offset: '1000' },
      { length: '17' },
      { offset: '-1' },
      { offset: '8', length: '16' },
      { length: '9'.repeat(30) },
    ]) {
      await refused(externalModel({ location: 'w.bin', ...entries }), /not in the file/);
    }
  });

  it('refuses external data of a model given as bytes', async () => {
    write('w.bin', WEIGHTS);
    await assert.rejects(runtime.load(externalModel({ location: 'w.bin' })), EngineError);
  });

  it('gives the memory of bytes back to nobody but their owner', async () => {
    const bytes = addSubModel();
    await (await runtime.load(bytes)).release();
    assert.deepEqual(bytes, addSubModel());
  });

  it('reports what is no model in ONNX Runtime’s words', async () => {
    const contents: Record<string, Uint8Array> = {
      html: Buffer.from('<!doctype html><title>404</title>'),
      zip: Buffer.from('PK\x03\x04 and so on'),
      zeros: new Uint8Array(1000),
      truncated: addSubModel().subarray(0, 100),
    };
    for (const [name, bytes] of Object.entries(contents)) {
      const file = write(`${name}.onnx`, bytes);
      const expected = {
        name: 'OnnxRuntimeError',
        code: 7,
        message: `Load model from ${file} failed:Protobuf parsing failed.`,
      };
      await assert.rejects(runtime.load(file), expected);
    }
  });

  it('reports a graph ONNX Runtime refuses, with the path', async () => {
    const specs = [{ name: 'X', type: TYPE.FLOAT, dims: [4] }];
    const file = write(
      'model.onnx',
      model({ nodes: [node('NoSuchOp', ['X'], ['Y'])], inputs: specs, outputs: [{ ...specs[0]!, name: 'Y' }] }),
    );
    await assert.rejects(
      runtime.load(file),
      (error) =>
        error instanceof OnnxRuntimeError &&
        error.message.startsWith(`Load model from ${file} failed:This is an invalid model.`),
    );
  });

  it('reports a missing file and refuses a directory', async () => {
    await assert.rejects(runtime.load(path.join(directory, 'none.onnx')), { code: 3 });
    await assert.rejects(runtime.load(directory), /not a regular file/);
  });

  it('refuses an initialiser of terabytes without allocating it', async () => {
    const file = write(
      'model.onnx',
      addModel({ initializers: [tensor('W', TYPE.FLOAT, [2 ** 40], new Uint8Array(16))] }),
    );
    await assert.rejects(runtime.load(file), OnnxRuntimeError);
  });
});
