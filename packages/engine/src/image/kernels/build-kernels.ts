import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../../../wasm/', import.meta.url));
const OUTPUT = fileURLToPath(new URL('../gen/kernels.ts', import.meta.url));
const FLAGS = ['--runtime', 'stub', '--importMemory', '--enable', 'simd', '-O3', '--noAssert', '--converge'];

/** SHA-256 over the AssemblyScript sources and the compiler flags: tells whether the committed module is stale. */
export async function kernelSourceHash(): Promise<string> {
  const hash = createHash('sha256').update(FLAGS.join(' '));
  for (const name of (await readdir(SOURCES)).filter((file) => file.endsWith('.ts')).sort()) {
    hash.update(name).update(await readFile(join(SOURCES, name)));
  }
  return hash.digest('hex');
}

/** Compiles `wasm/index.ts` and writes the module as base64 text, so that users need no compiler. */
async function build(): Promise<void> {
  const { default: asc } = await import('assemblyscript/asc');
  const directory = await mkdtemp(join(tmpdir(), 'nereid-kernels-'));
  try {
    const binary = join(directory, 'kernels.wasm');
    const { error, stderr } = await asc.main([join(SOURCES, 'index.ts'), '--outFile', binary, ...FLAGS]);
    if (error !== null) throw new Error(`asc failed: ${stderr.toString()}`, { cause: error });
    const base64 = (await readFile(binary)).toString('base64');
    const lines = base64.match(/.{1,116}/g) ?? [];
    await writeFile(
      OUTPUT,
      `// Made by \`npm run build:wasm -w packages/engine\` from packages/engine/wasm; do not edit.\n` +
        `export const KERNEL_SOURCE_HASH = '${await kernelSourceHash()}';\n` +
        `export const KERNEL_WASM_BASE64 =\n  '${lines.join("' +\n  '")}';\n`,
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

if (import.meta.main) await build();
