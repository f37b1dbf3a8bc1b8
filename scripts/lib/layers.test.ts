import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readImports } from './imports.ts';
import { checkLayers, type Layers, type PackageManifest } from './layers.ts';

const LAYERS: Layers = {
  packages: { low: [], high: ['low'] },
  folders: { 'packages/high/src': { base: [], top: ['base'], '.': ['base', 'top'] } },
};
const MANIFESTS: readonly PackageManifest[] = [
  { folder: 'low', name: '@x/low', exports: ['.'], dependencies: [], devDependencies: [] },
  { folder: 'high', name: '@x/high', exports: ['.'], dependencies: ['@x/low', 'lib'], devDependencies: ['dev-lib'] },
];

function problemsOf(sources: Readonly<Record<string, string>>, layers = LAYERS): string[] {
  const files = Object.entries(sources).map(([path, text]) => ({ path, imports: readImports(path, text) }));
  return checkLayers(files, { layers, manifests: MANIFESTS, rootDevDependencies: ['fast-check'] });
}

test('allowed imports are silent', () => {
  const sources = {
    'packages/low/src/index.ts': "import { readFileSync } from 'node:fs'; export { readFileSync };",
    'packages/high/src/base/index.ts': "import type { A } from '@x/low'; export type { A };",
    'packages/high/src/top/run.ts': "import { a } from '../base/index.ts'; import lib from 'lib'; export { a, lib };",
    'packages/high/src/server.ts': "export { a } from './top/index.ts';",
    'packages/high/src/top/run.test.ts':
      "import { inner } from '../base/inner.ts'; import fc from 'fast-check'; import d from 'dev-lib'; inner(fc, d);",
  };
  assert.deepEqual(problemsOf(sources), []);
});

for (const [title, path, text, expected] of [
  ['a package above', 'packages/low/src/a.ts', "import type { H } from '@x/high';", 'package low may not import high'],
  ['another package by path', 'packages/high/src/a.ts', "import x from '../../low/src/x.ts';", 'outside its package'],
  ['a file a package does not export', 'packages/high/src/a.ts', "import x from '@x/low/src/x.ts';", 'does not export'],
  [
    'a dependency nobody declared',
    'packages/high/src/a.ts',
    "import x from 'left-pad';",
    'does not name as a dependency',
  ],
  ['a development dependency', 'packages/high/src/a.ts', "import x from 'dev-lib';", 'does not name as a dependency'],
  [
    'a folder above',
    'packages/high/src/base/a.ts',
    "export type T = import('../top/index.ts').T;",
    'base may not import top',
  ],
  [
    'past an index',
    'packages/high/src/top/a.ts',
    "const x = await import('../base/inner.ts'); x;",
    'past base/index.ts',
  ],
  ['a folder without a row', 'packages/high/src/new/a.ts', "import '../base/index.ts';", 'folder new has no row'],
  ['test helpers', 'packages/high/src/top/a.ts', "import '../top/test-support/x.ts';", 'not part of the product'],
  ['export star', 'packages/high/src/a.ts', "export * from 'lib';", 'export * hides'],
  [
    'a script that reaches into a package',
    'scripts/a.ts',
    "import '../packages/low/src/index.ts';",
    "use the package's name",
  ],
] as const) {
  test(`reports ${title}`, () => {
    const problems = problemsOf({ [path]: text });
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.ok(problems[0]?.startsWith(`${path}:1: `) && problems[0].includes(expected), problems[0]);
  });
}

test('reports import cycles across folders, but not those of types or inside a folder', () => {
  const cycle = problemsOf({
    'packages/high/src/top/a.ts': "import { b } from './inner/b.ts'; export const a = b;",
    'packages/high/src/top/inner/b.ts': "import { a } from '../a.ts'; export const b = a;",
  });
  const path = 'packages/high/src/top/a.ts -> packages/high/src/top/inner/b.ts -> packages/high/src/top/a.ts';
  assert.deepEqual(cycle, [`import cycle: ${path}`]);
  const types = problemsOf({
    'packages/high/src/top/a.ts': "import type { B } from './inner/b.ts'; export type A = B;",
    'packages/high/src/top/inner/b.ts': "import { type A } from '../a.ts'; export type B = A;",
  });
  assert.deepEqual(types, []);
  const recursion = problemsOf({
    'packages/high/src/a.ts': "import { b } from './b.ts'; export const a = b;",
    'packages/high/src/b.ts': "import { a } from './a.ts'; export const b = a;",
  });
  assert.deepEqual(recursion, []);
});

test('reports a table that allows a cycle', () => {
  const problems = problemsOf({}, { packages: { low: ['high'], high: ['low'] }, folders: {} });
  assert.deepEqual(problems, ['layers.json allows a cycle: low -> high -> low']);
});
