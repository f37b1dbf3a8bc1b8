/**
 * What a host costs, and what it loses when an instance dies.
 *
 *     node bench/hosting/run.ts [PATTERN]
 */
import { provenance, renderMarkdown } from '../lib/report.ts';
import { benchmark as invoke } from './invoke.ts';
import { benchmark as killInstance } from './kill-instance.ts';

const pattern = new RegExp(process.argv[2] ?? '');
for (const benchmark of [invoke, killInstance]) {
  if (!pattern.test(benchmark.name)) continue;
  const report = await benchmark.run((line) => process.stderr.write(`  ${line}\n`));
  process.stdout.write(`${renderMarkdown(report)}\n`);
}
process.stdout.write(`${provenance()}\n`);
