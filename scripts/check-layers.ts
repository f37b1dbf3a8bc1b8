// Checks who imports whom against layers.json. The parser is oxc: TypeScript 7 has no JavaScript API that a ready-made tool could use.
import { readImports } from './lib/imports.ts';
import { checkLayers, type Layers, type PackageManifest } from './lib/layers.ts';
import { listFiles, readText, report } from './lib/sources.ts';

interface PackageJson {
  readonly name: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const readJson = (path: string): PackageJson => JSON.parse(readText(path)) as PackageJson;

const manifests = listFiles('packages/*/package.json').map((path): PackageManifest => {
  const { name, exports, dependencies, optionalDependencies, devDependencies } = readJson(path);
  return {
    folder: path.split('/')[1] ?? '',
    name,
    exports: Object.keys(exports ?? {}),
    dependencies: Object.keys({ ...dependencies, ...optionalDependencies }),
    devDependencies: Object.keys(devDependencies ?? {}),
  };
});
const files = listFiles('packages/*/{src,bin,test}/**/*.{ts,mjs,js}', '{bench,test,scripts}/**/*.{ts,mjs}')
  .filter((path) => !/\/gen\/|\.d\.ts$/.test(path))
  .map((path) => ({ path, imports: readImports(path, readText(path)) }));

report(
  `${files.length} files, ${files.reduce((sum, { imports }) => sum + imports.length, 0)} imports`,
  checkLayers(files, {
    layers: JSON.parse(readText('layers.json')) as Layers,
    manifests,
    rootDevDependencies: Object.keys(readJson('package.json').devDependencies ?? {}),
  }),
);
