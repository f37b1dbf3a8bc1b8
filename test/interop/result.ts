/** What came of a suite. */
export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  /** What did not run; the reason of each was printed. */
  readonly skipped?: number;
}

/** Prints how each of a suite's cases ended, and counts them. */
export class Tally {
  #passed = 0;
  #failed = 0;
  #skipped = 0;
  readonly #subject: string;

  constructor(subject: string) {
    this.#subject = subject;
  }

  passed(name: string): void {
    this.#passed++;
    this.#print(name, 'passed');
  }

  failed(name: string, reason: string): void {
    this.#failed++;
    this.#print(name, `FAILED: ${reason}`);
  }

  notRun(name: string, reason: string): void {
    this.#skipped++;
    this.#print(name, `not run: ${reason}`);
  }

  /** Prints the totals. */
  result(): SuiteResult {
    const all = this.#passed + this.#failed + this.#skipped;
    console.log(
      `${this.#subject}: ${all - this.#skipped} of ${all} run, ${this.#passed} passed, ${this.#failed} failed, ${this.#skipped} not run`,
    );
    return { passed: this.#passed, failed: this.#failed, skipped: this.#skipped };
  }

  #print(name: string, outcome: string): void {
    console.log(`  ${name} … ${outcome}`);
  }
}
