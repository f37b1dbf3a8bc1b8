import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseSync } from 'oxc-parser';

/** Globals of Node that no browser has. */
const NODE_GLOBALS = /\b(Buffer|process|require|__dirname|setImmediate)\b(?!['"\w])/;

/** Modules that `entry` loads, by URL, with their source. Types are not loaded. */
function moduleGraph(entry: URL): { readonly sources: Map<string, string>; readonly bare: Set<string> } {
  const sources = new Map<string, string>();
  const bare = new Set<string>();
  const visit = (url: URL): void => {
    if (sources.has(url.href)) return;
    const source = readFileSync(url, 'utf8');
    sources.set(url.href, source);
    for (const specifier of loadedBy(url.pathname, source)) {
      if (specifier.startsWith('.')) visit(new URL(specifier, url));
      else if (specifier.startsWith('@nereid/')) visit(new URL(import.meta.resolve(specifier)));
      else bare.add(specifier);
    }
  };
  visit(entry);
  return { sources, bare };
}

function loadedBy(path: string, source: string): string[] {
  const { module } = parseSync(path, source);
  assert.equal(module.dynamicImports.length, 0, path);
  const imports = module.staticImports.filter(
    ({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType),
  );
  const exports = module.staticExports.flatMap(({ entries }) => entries.filter(({ isType }) => !isType));
  return [
    ...imports.map(({ moduleRequest }) => moduleRequest.value),
    ...exports.flatMap(({ moduleRequest }) => (moduleRequest === null ? [] : [moduleRequest.value])),
  ];
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

test('the HTTP entry loads nothing that a browser does not have', () => {
  const { sources, bare } = moduleGraph(new URL('index.ts', import.meta.url));
  assert.ok(sources.size > 20 && [...sources.keys()].some((url) => url.includes('/protocol/')));
  assert.deepEqual([...bare], []);
  for (const [url, source] of sources) assert.doesNotMatch(withoutComments(source), NODE_GLOBALS, url);
});

test('the gRPC entry loads grpc-js and the Protobuf runtime, and no other library', () => {
  const { bare } = moduleGraph(new URL('grpc/index.ts', import.meta.url));
  const libraries = [...bare].filter((specifier) => !specifier.startsWith('@bufbuild/protobuf'));
  assert.deepEqual(libraries.sort(), ['@grpc/grpc-js', 'node:tls']);
});
