import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { SuiteResult } from './result.ts';

/** A Python with the packages of a requirements file. */
export interface PythonEnvironment {
  readonly python: string;
}

const OLDEST_PYTHON: readonly [number, number] = [3, 9];

/** Why there is no Python to test with; undefined when there is one. */
export function pythonProblem(): string | undefined {
  try {
    const version = execFileSync('python3', ['-c', 'import sys, venv; print(*sys.version_info[:2])'], {
      encoding: 'utf8',
    });
    const [major = 0, minor = 0] = version.trim().split(' ').map(Number);
    const enough = major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1];
    return enough ? undefined : `python3 is ${major}.${minor}, at least ${OLDEST_PYTHON.join('.')} is needed`;
  } catch {
    return 'there is no python3 with the venv module';
  }
}

/**
 * A virtual environment with what `requirementsPath` names, made once and kept in the user's cache until the file changes. Throws an Error
 * with pip's output when the packages cannot be installed.
 */
export function pythonEnvironment(requirementsPath: string): PythonEnvironment {
  const key = createHash('sha256').update(readFileSync(requirementsPath)).digest('hex').slice(0, 16);
  const folder = cacheFolder(key);
  const python = join(folder, 'bin', 'python');
  const marker = join(folder, 'complete');
  if (!existsSync(marker)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirementsPath];
    execFileSync(python, pip, { stdio: 'inherit' });
    writeFileSync(marker, '');
  }
  return { python };
}

/** Where something that was made once is kept, in the user's cache. */
export function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'nereid', 'interop', name);
}

/** Runs the `test_*.py` files of a folder with unittest; its output is shown. */
export async function runPythonTests(
  { python }: PythonEnvironment,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<SuiteResult> {
  const child = spawn(python, ['-m', 'unittest', 'discover', '--verbose', '--start-directory', folder], {
    env: { ...process.env, ...environment, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    process.stderr.write(chunk);
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const run = Number(/^Ran (\d+) tests?/m.exec(text)?.[1] ?? 0);
  const bad = ['failures', 'errors'].reduce(
    (sum, kind) => sum + Number(new RegExp(`${kind}=(\\d+)`).exec(text)?.[1] ?? 0),
    0,
  );
  // A crash of the interpreter or a file that does not load is a failure too.
  const failed = bad === 0 && (code !== 0 || run === 0) ? 1 : bad;
  return { passed: Math.max(0, run - failed), failed };
}
