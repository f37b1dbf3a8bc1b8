// Adds what npm leaves out of package-lock.json: an optional platform package (say, for macOS) that the registry in use did not serve gets
// no entry, and `npm ci` then refuses the whole lock as out of sync, on every platform. With an entry npm sees that the package is for
// another platform and never asks for it.
//
//   node scripts/complete-lock.mjs           completes the lock file
//   node scripts/complete-lock.mjs --check   fails when something is missing
import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LOCK_PATH = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const OPERATING_SYSTEMS = [
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'aix',
  'win32',
];
const PROCESSORS = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32'];

const lock = JSON.parse(readFileSync(LOCK_PATH, 'utf8'));
const missing = missingEntries(lock.packages);
if (missing.length === 0) process.exit(0);

if (process.argv.includes('--check')) {
  console.error(
    'package-lock.json lacks optional packages, so `npm ci` would refuse it. Run: node scripts/complete-lock.mjs',
  );
  for (const { path } of missing) console.error(`  ${path}`);
  process.exit(1);
}

for (const { path, entry } of missing) lock.packages[path] = entry;
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a === '' ? -1 : b === '' ? 1 : a.localeCompare(b, 'en'))),
);
writeFileSync(LOCK_PATH, `${JSON.stringify(lock, null, 2)}\n`);
// What is installed is still what the lock says: no reason to install again.
const marker = fileURLToPath(new URL('../node_modules/.package-lock.json', import.meta.url));
if (existsSync(marker)) utimesSync(marker, new Date(), new Date());
console.log(`package-lock.json: ${missing.length} optional packages added`);

function missingEntries(packages) {
  const found = new Map();
  for (const [parentPath, parent] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      if (resolves(packages, parentPath, name, version)) continue;
      const taken = packages[`node_modules/${name}`] ?? found.get(`node_modules/${name}`);
      const path = taken === undefined ? `node_modules/${name}` : `${parentPath}/node_modules/${name}`;
      if (!found.has(path))
        found.set(path, { version, ...(parent.dev ? { dev: true } : {}), optional: true, ...platform(name) });
    }
  }
  return [...found].map(([path, entry]) => ({ path, entry }));
}

/** Whether Node's look-up from `parentPath` finds `name` in the wanted (exact) version. */
function resolves(packages, parentPath, name, version) {
  for (let folder = parentPath; ; ) {
    const candidate = packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`];
    if (candidate !== undefined) return candidate.version === version || !/^\d/.test(version);
    if (folder === '') return false;
    const end = folder.lastIndexOf('/node_modules/');
    folder = end < 0 ? '' : folder.slice(0, end);
  }
}

/** `binding-linux-x64-musl` -> os, cpu and libc as package.json writes them. */
function platform(name) {
  const words = name.slice(name.indexOf('/') + 1).split('-');
  const os = OPERATING_SYSTEMS.find((each) => words.includes(each));
  const cpu = PROCESSORS.find((each) => words.includes(each));
  if (os === undefined && cpu !== 'wasm32') throw new Error(`cannot tell the platform of optional package ${name}`);
  const libc = os !== 'linux' ? undefined : words.some((word) => word.startsWith('musl')) ? 'musl' : 'glibc';
  return { ...(cpu ? { cpu: [cpu] } : {}), ...(libc ? { libc: [libc] } : {}), ...(os ? { os: [os] } : {}) };
}
