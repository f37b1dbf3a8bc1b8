import { posix } from 'node:path';
import type { ImportEdge } from './imports.ts';

/** layers.json: who may import whom. */
export interface Layers {
  /** Package folder -> package folders it may import. */
  readonly packages: Readonly<Record<string, readonly string[]>>;
  /** Source root -> its folders -> folders they may import. `.` stands for files directly in the root. */
  readonly folders: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export interface PackageManifest {
  readonly folder: string;
  readonly name: string;
  readonly exports: readonly string[];
  readonly dependencies: readonly string[];
  readonly devDependencies: readonly string[];
}

export interface SourceFile {
  /** Relative to the repository's root, with forward slashes. */
  readonly path: string;
  readonly imports: readonly ImportEdge[];
}

interface Context {
  readonly layers: Layers;
  readonly manifests: readonly PackageManifest[];
  readonly rootDevDependencies: readonly string[];
}

/**
 * Checks every import of the packages against layers.json and returns what is wrong, one line each: packages that may not know each other,
 * folder walls inside a package, imports past another folder's index.ts, `export *`, cycles, dependencies that package.json does not name.
 */
export function checkLayers(files: readonly SourceFile[], context: Context): string[] {
  const problems = checkLayerTable(context);
  for (const file of files) {
    const manifest = packageOf(file.path, context.manifests);
    for (const edge of file.imports) {
      const where = `${file.path}:${edge.line}: `;
      if (edge.star) problems.push(`${where}export * hides what a module offers; name the exports`);
      const problem = edge.specifier.startsWith('.')
        ? checkRelative(file.path, edge.specifier, manifest, context.layers)
        : checkBare(file.path, edge.specifier, manifest, context);
      if (problem !== undefined) problems.push(where + problem);
    }
  }
  problems.push(...cycles(fileGraph(files), 'import cycle', spansFolders));
  problems.push(...cycles(folderGraph(files, context.manifests), 'cycle of folders'));
  return problems;
}

/** What is not part of the product may look behind the walls: tests, helpers of theirs, build scripts. */
export function isDevelopmentFile(path: string): boolean {
  return /\.test\.ts$|\/(test|test-support|scripts)\/|\/build-[^/]+\.ts$/.test(path) || !path.startsWith('packages/');
}

function checkLayerTable({ layers, manifests }: Context): string[] {
  const problems = manifests
    .filter(({ folder }) => layers.packages[folder] === undefined)
    .map(({ folder }) => `layers.json: package ${folder} has no row`);
  const graph = new Map(Object.entries(layers.packages).map(([name, allowed]) => [name, new Set(allowed)]));
  problems.push(...cycles(graph, 'layers.json allows a cycle'));
  for (const [root, rows] of Object.entries(layers.folders)) {
    const folders = new Map(Object.entries(rows).map(([name, allowed]) => [name, new Set(allowed)]));
    problems.push(...cycles(folders, `layers.json allows a cycle in ${root}`));
  }
  return problems;
}

function checkRelative(
  path: string,
  specifier: string,
  manifest: PackageManifest | undefined,
  layers: Layers,
): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  if (manifest === undefined) {
    const hidden = target.startsWith('packages/') && !isDevelopmentFile(target);
    return hidden ? `imports ${target} by path; use the package's name` : undefined;
  }
  if (!target.startsWith(`packages/${manifest.folder}/`)) {
    return `imports ${target}, outside its package; use the package's name`;
  }
  if (isDevelopmentFile(path)) return undefined;
  if (isDevelopmentFile(target)) return `imports ${target}, which is not part of the product`;
  for (const [root, rows] of Object.entries(layers.folders)) {
    if (!path.startsWith(`${root}/`) || !target.startsWith(`${root}/`)) continue;
    return checkWall(folderIn(root, path), folderIn(root, target), target.slice(root.length + 1), rows);
  }
  return undefined;
}

function checkWall(from: string, to: string, target: string, rows: Layers['folders'][string]): string | undefined {
  if (from === to) return undefined;
  const inner = target.slice(to.length + 1);
  const allowed = rows[from];
  if (allowed === undefined) return `folder ${from} has no row in layers.json`;
  if (!allowed.includes(to)) return `${from} may not import ${to} (layers.json)`;
  // Front ends and backends are folders of folders, each with an index.ts.
  if (!/^([^/]+\/)?index\.ts$/.test(inner)) return `imports ${target} past ${to}/index.ts`;
  return undefined;
}

function checkBare(
  path: string,
  specifier: string,
  manifest: PackageManifest | undefined,
  context: Context,
): string | undefined {
  if (specifier.startsWith('node:')) return undefined;
  const [scope = '', second = ''] = specifier.split('/');
  const name = scope.startsWith('@') ? `${scope}/${second}` : scope;
  const owned = context.manifests.find((each) => each.name === name);
  if (owned !== undefined) {
    const entry = specifier === name ? '.' : `.${specifier.slice(name.length)}`;
    if (!owned.exports.includes(entry)) return `imports ${specifier}, which ${name} does not export`;
  }
  if (manifest === undefined || (owned !== undefined && owned === manifest)) return undefined;
  const test = isDevelopmentFile(path);
  if (owned !== undefined && !test && !context.layers.packages[manifest.folder]?.includes(owned.folder)) {
    return `package ${manifest.folder} may not import ${owned.folder} (layers.json)`;
  }
  if (manifest.dependencies.includes(name)) return undefined;
  if (test && (manifest.devDependencies.includes(name) || context.rootDevDependencies.includes(name))) return undefined;
  return `imports ${name}, which ${manifest.name}'s package.json does not name as a ${test ? 'development ' : ''}dependency`;
}

function packageOf(path: string, manifests: readonly PackageManifest[]): PackageManifest | undefined {
  return manifests.find(({ folder }) => path.startsWith(`packages/${folder}/`));
}

/** The folder of `root` that `path` lies in, `.` for a file directly in it. */
function folderIn(root: string, path: string): string {
  const inner = path.slice(root.length + 1);
  const slash = inner.indexOf('/');
  return slash < 0 ? '.' : inner.slice(0, slash);
}

/** File -> files it needs at run time. */
function fileGraph(files: readonly SourceFile[]): Map<string, Set<string>> {
  return new Map(
    files.map(({ path, imports }) => {
      const needed = imports.filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly);
      return [path, new Set(needed.map(({ specifier }) => posix.join(posix.dirname(path), specifier)))];
    }),
  );
}

/** Folder directly under a package's src -> such folders it imports, types included. Tests are left out. */
function folderGraph(files: readonly SourceFile[], manifests: readonly PackageManifest[]): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    const manifest = packageOf(path, manifests);
    if (manifest === undefined || isDevelopmentFile(path)) continue;
    const root = `packages/${manifest.folder}/src`;
    const from = folderIn(root, path);
    for (const { specifier } of imports) {
      const target = posix.join(posix.dirname(path), specifier);
      if (!specifier.startsWith('.') || !target.startsWith(`${root}/`)) continue;
      const to = folderIn(root, target);
      if (from === '.' || to === '.' || from === to) continue;
      const key = `${root}/${from}`;
      graph.set(key, (graph.get(key) ?? new Set()).add(`${root}/${to}`));
    }
  }
  return graph;
}

/** Files of one folder may need each other, as functions over recursive data do (an attribute holds a graph, a graph has attributes). */
function spansFolders(cycle: readonly string[]): boolean {
  return new Set(cycle.map((path) => posix.dirname(path))).size > 1;
}

/** Every cycle that a depth-first walk closes and `counts` accepts, described as a path. */
function cycles(
  graph: ReadonlyMap<string, ReadonlySet<string>>,
  title: string,
  counts: (cycle: readonly string[]) => boolean = () => true,
): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (node: string, trail: readonly string[]): void => {
    const start = trail.indexOf(node);
    if (start >= 0) {
      const cycle = [...trail.slice(start), node];
      if (counts(cycle)) found.push(`${title}: ${cycle.join(' -> ')}`);
      return;
    }
    if (done.has(node)) return;
    for (const next of graph.get(node) ?? []) walk(next, [...trail, node]);
    done.add(node);
  };
  for (const node of graph.keys()) walk(node, []);
  return found;
}
