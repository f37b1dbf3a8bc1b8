// `npm run build`: what gets published. The workspace runs its TypeScript as it is, but Node strips no types under node_modules, so the
// published packages hold JavaScript and declarations. build/<package>/ is then ready for `npm publish`.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles, ROOT } from './lib/sources.ts';

const BUILD = join(ROOT, 'build');
const COMPILED = join(BUILD, '.compiled');
/** Removes what dependencies bring for other platforms. */
const PRUNE_SCRIPT = 'bin/prune-binaries.mjs';

interface PackageJson {
  readonly name: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

const folders = listFiles('packages/*/package.json').map((path) => path.split('/')[1] ?? '');
rmSync(BUILD, { recursive: true, force: true });
mkdirSync(BUILD);
compile();
for (const folder of folders) assemble(folder);
rmSync(COMPILED, { recursive: true });
console.log(`build/: ${folders.join(', ')}`);

/** All packages in one program, so that they see each other's sources. */
function compile(): void {
  const configPath = join(BUILD, 'tsconfig.json');
  const options = { noEmit: false, declaration: true, rootDir: '../packages', outDir: COMPILED };
  const config = {
    extends: '../tsconfig.json',
    compilerOptions: options,
    include: ['../packages/*/src/**/*.ts', '../types/*.d.ts'],
    exclude: ['../**/*.test.ts', '../**/node_modules', '../**/test-support/**', '../**/build-*.ts'],
  };
  writeFileSync(configPath, JSON.stringify(config));
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', configPath], { stdio: 'inherit' });
  rmSync(configPath);
}

function assemble(folder: string): void {
  const source = join(ROOT, 'packages', folder);
  const target = join(BUILD, folder);
  const dist = join(target, 'dist');
  cpSync(join(COMPILED, folder, 'src'), dist, { recursive: true });
  // Generated JavaScript and data files are not the compiler's business.
  for (const path of listFiles(`packages/${folder}/src/**/*`)) {
    const inner = path.slice(`packages/${folder}/src/`.length);
    if (/(?<!\.d)\.ts$/.test(inner) || !inner.includes('.') || /(^|\/)(cases|test-support)\//.test(inner)) continue;
    if (!existsSync(join(dist, inner))) cpSync(join(ROOT, path), join(dist, inner));
  }
  for (const path of globSync('**/*.js', { cwd: dist })) pointWorkersAtJavaScript(join(dist, path));
  if (existsSync(join(source, 'bin'))) cpSync(join(source, 'bin'), join(target, 'bin'), { recursive: true });
  for (const name of ['LICENSE', 'README.md']) {
    // A package's own page comes before the project's.
    const path = [join(source, name), join(ROOT, name)].find((each) => existsSync(each));
    if (path !== undefined) cpSync(path, join(target, name));
  }
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(publishedManifest(source), null, 2)}\n`);
}

/** The compiler rewrites the extensions of imports, not those in `new URL('./worker.ts', import.meta.url)`. */
function pointWorkersAtJavaScript(path: string): void {
  const text = readFileSync(path, 'utf8');
  const changed = text.replaceAll(/(new URL\((['"])\.[^'"]+)\.ts(\2,\s*import\.meta\.url\))/g, '$1.js$3');
  if (changed !== text) writeFileSync(path, changed);
}

function publishedManifest(source: string): Record<string, unknown> {
  const { scripts, devDependencies, ...manifest } = JSON.parse(
    readFileSync(join(source, 'package.json'), 'utf8'),
  ) as PackageJson;
  const exports: Record<string, unknown> = { './package.json': './package.json' };
  for (const [entry, path] of Object.entries(manifest.exports ?? {})) {
    const compiled = path.replace(/^\.\/src\//, './dist/');
    exports[entry] = compiled.endsWith('.ts')
      ? { types: compiled.replace(/\.ts$/, '.d.ts'), default: compiled.replace(/\.ts$/, '.js') }
      : compiled;
  }
  return {
    ...manifest,
    exports,
    files: ['dist', 'bin'],
    // The other scripts are the workspace's; this one runs where the package is installed.
    ...(existsSync(join(source, PRUNE_SCRIPT)) ? { scripts: { postinstall: `node ${PRUNE_SCRIPT}` } } : {}),
    engines: { node: manifest.name === 'nereid' ? '>=20' : '>=24' },
  };
}
