import assert from 'node:assert/strict';
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { checkExternalData, type Model } from './index.ts';

let root = '';
let modelPath = '';

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'external-data-'));
  const directory = join(root, 'model');
  await mkdir(join(directory, 'sub'), { recursive: true });
  modelPath = join(directory, 'model.onnx');
  await writeFile(join(root, 'secret'), Buffer.alloc(64));
  await writeFile(join(directory, 'weights'), Buffer.alloc(64));
  await writeFile(join(directory, 'sub', 'weights'), Buffer.alloc(64));
  await symlink(join(root, 'secret'), join(directory, 'link'));
  await symlink(root, join(directory, 'parent'));
  await symlink('weights', join(directory, 'alias'));
  await link(join(root, 'secret'), join(directory, 'hard'));
});
after(() => rm(root, { recursive: true }));

function modelWith(entries: Record<string, string>): Model {
  return {
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    opsetImports: new Map(),
    graph: {
      name: '',
      nodes: [],
      initializers: [],
      sparseInitializers: [
        {
          values: {
            name: 'w',
            elementType: 'float',
            dims: [4],
            content: { kind: 'external', entries: new Map(Object.entries(entries)) },
          },
          indices: { name: 'i', elementType: 'int64', dims: [0], content: { kind: 'raw', bytes: new Uint8Array(0) } },
          dims: [4],
        },
      ],
      inputs: [],
      outputs: [],
      valueInfos: [],
    },
    functions: [],
    metadata: new Map(),
  };
}

test('files of the model itself are accepted', async () => {
  for (const entries of [
    { location: 'weights' },
    { location: 'sub/weights', offset: '48', length: '16' },
    { location: 'alias', offset: '0' },
  ]) {
    await checkExternalData(modelWith(entries), modelPath);
  }
});

test('files of others, and lies about offset and length, are refused by name', async () => {
  const cases: [Record<string, string>, string][] = [
    [{ location: '/etc/passwd' }, "location '/etc/passwd' is not a relative path"],
    [{ location: '../secret' }, "location '../secret' leaves the directory of the model"],
    [{ location: 'sub/../../secret' }, "location 'sub/../../secret' leaves the directory of the model"],
    [{ location: '..\\secret' }, "location '..\\secret' is not a relative path"],
    [{ location: 'C:secret' }, "location 'C:secret' is not a relative path"],
    [{ location: 'link' }, "location 'link' leaves the directory of the model"],
    [{ location: 'parent/secret' }, "location 'parent/secret' leaves the directory of the model"],
    [{ location: 'hard' }, "location 'hard' is a hard link"],
    [{ location: 'sub' }, "location 'sub' is not a regular file"],
    [{ location: 'absent' }, "location 'absent' cannot be read"],
    [{}, "location '' is not a file name"],
    [{ location: 'weights', offset: '56' }, 'bytes 56 to 72 of a file of 64'],
    [{ location: 'weights', offset: '-4' }, "offset '-4' is not a size"],
    [{ location: 'weights', length: '99999999999999999999' }, "length '99999999999999999999' is not a size"],
    [{ location: 'weights', length: '8' }, 'length 8, its shape needs 16'],
  ];
  for (const [entries, problem] of cases) {
    await assert.rejects(checkExternalData(modelWith(entries), modelPath), {
      name: 'OnnxError',
      code: 'invalid',
      message: `external data of tensor 'w': ${problem}`,
    });
  }
});
