import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../python-environment.ts';

const PACKAGES = ['perf-analyzer==2.60.0', 'nvidia-cuda-runtime-cu12==12.9.79'];
/** The package is made for glibc 2.38; pip on an older system takes its placeholder instead unless it is told. */
const PLATFORMS = ['manylinux_2_38_x86_64', 'manylinux2014_x86_64'];
const COMPLETE = 'complete-1';

/** Debian's first release whose C and C++ libraries are new enough, and the packages of it that the program is linked with. */
const RUNTIME_RELEASE = 'trixie';
const RUNTIME_PACKAGES = ['libc6', 'libgcc-s1', 'libssl3t64', 'libstdc++6', 'libzstd1', 'zlib1g'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** How the program is started: a command and what goes before the program's own arguments. */
export interface PerfAnalyzer {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * NVIDIA's `perf_analyzer` from PyPI, installed once into the user's cache. On a Debian that is too old for it, it runs with the libraries of a
 * newer one, which apt loads and unpacks beside it; nothing of the system is changed, and nobody has to be root. Answers why it cannot run
 * when neither works.
 */
export function perfAnalyzer(python: string): PerfAnalyzer | string {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `there is none for ${process.platform} ${process.arch}`;
  const folder = cacheFolder('perf-analyzer');
  try {
    if (!existsSync(join(folder, COMPLETE))) install(python, folder);
    const direct = onThisSystem(folder);
    if (works(direct)) return direct;
    const apart = withOwnLibraries(folder);
    return works(apart)
      ? apart
      : "this system's C library is too old for it, and it does not run with a newer one either";
  } catch (error) {
    return firstLine(error);
  }
}

function install(python: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const platforms = PLATFORMS.map((platform) => `--platform=${platform}`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  run(python, [...pip, ...platforms, '--target', join(folder, 'packages'), ...PACKAGES]);
  // Shared memory asks for this library by its plain name, even if nothing of CUDA is used.
  symlinkSync('libcudart.so.12', join(cudaFolder(folder), 'libcudart.so'));
  writeFileSync(join(folder, COMPLETE), '');
}

const cudaFolder = (folder: string): string => join(folder, 'packages', 'nvidia', 'cuda_runtime', 'lib');
const programIn = (folder: string): string => join(folder, 'packages', 'perf_analyzer', 'bin', 'perf_analyzer');

function onThisSystem(folder: string): PerfAnalyzer {
  return { command: programIn(folder), args: [], environment: { LD_LIBRARY_PATH: cudaFolder(folder) } };
}

function withOwnLibraries(folder: string): PerfAnalyzer {
  const root = join(folder, RUNTIME_RELEASE);
  const libraries = join(root, 'usr', 'lib', 'x86_64-linux-gnu');
  if (!existsSync(join(root, COMPLETE))) {
    unpackLibraries(root);
    writeFileSync(join(root, COMPLETE), '');
  }
  const path = [libraries, cudaFolder(folder)].join(':');
  return {
    command: join(libraries, 'ld-linux-x86-64.so.2'),
    args: ['--library-path', path, programIn(folder)],
    environment: {},
  };
}

/** Throws an Error that says what is missing. */
function unpackLibraries(root: string): void {
  rmSync(root, { recursive: true, force: true });
  const apt = join(root, 'apt');
  for (const part of ['state/lists/partial', 'cache/archives/partial', 'archives']) {
    mkdirSync(join(apt, part), { recursive: true });
  }
  writeFileSync(join(apt, 'status'), '');
  writeFileSync(join(apt, 'sources.list'), `deb [signed-by=${KEYRING}] ${debianMirror()} ${RUNTIME_RELEASE} main\n`);
  const options = [
    `Dir::State=${apt}/state`,
    `Dir::State::status=${apt}/status`,
    `Dir::Cache=${apt}/cache`,
    `Dir::Etc::sourcelist=${apt}/sources.list`,
    'Dir::Etc::sourceparts=-',
    'Acquire::Languages=none',
    'APT::Sandbox::User=',
  ].flatMap((option) => ['-o', option]);
  run('apt-get', [...options, '--quiet=2', 'update']);
  run('apt-get', [...options, '--quiet=2', 'download', ...RUNTIME_PACKAGES], join(apt, 'archives'));
  for (const archive of readdirSync(join(apt, 'archives')))
    run('dpkg-deb', ['-x', join(apt, 'archives', archive), root]);
  rmSync(apt, { recursive: true });
}

/** Where this Debian has its packages from: newer releases are there as well. */
function debianMirror(): string {
  const release = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const targets = run('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI) $(RELEASE) $(COMPONENT)',
    'Created-By: Packages',
  ]);
  const line = targets.split('\n').find((target) => target.endsWith(` ${release} main`));
  if (line === undefined || !existsSync(KEYRING))
    throw new Error("this system's C library is too old for it, and it is no Debian");
  return line.split(' ')[0]!;
}

function works({ command, args, environment }: PerfAnalyzer): boolean {
  try {
    execFileSync(command, [...args, '--version'], { stdio: 'ignore', env: { ...process.env, ...environment } });
    return true;
  } catch {
    return false;
  }
}

function run(command: string, args: readonly string[], directory?: string): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], cwd: directory });
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error)
    .split('\n')
    .slice(0, 2)
    .join(' ');
}
