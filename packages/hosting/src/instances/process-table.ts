import { readFileSync } from 'node:fs';
import type { Database } from '../store/index.ts';

/** When a process began, in the kernel's own units: with the pid it names a process beyond doubt. undefined when there is none (or no /proc). */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may hold anything; the start is the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The processes that this data directory has started, so that the next host can end those a killed one left behind. */
export class ProcessTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  add(pid: number): void {
    const started = processStart(pid);
    if (started !== undefined) this.#database.run('INSERT OR REPLACE INTO processes VALUES (?, ?)', pid, started);
  }

  remove(pid: number): void {
    this.#database.run('DELETE FROM processes WHERE pid = ?', pid);
  }

  /** Processes still running that are the very ones written down: their pids have not been given to others. */
  leftOver(): number[] {
    return this.#database
      .all<{ pid: number; started: string }>('SELECT pid, started FROM processes')
      .filter(({ pid, started }) => processStart(pid) === started)
      .map(({ pid }) => pid);
  }

  clear(): void {
    this.#database.run('DELETE FROM processes');
  }
}
