import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Benchmark, provenance, renderMarkdown } from './lib/report.ts';

const USAGE = `npm run bench -- [PATTERN] [--markdown FILE] [--full]

Runs the benchmarks whose name matches PATTERN, each against its limit in the same run. --markdown appends the tables to FILE.
--full takes as long as the aims say (overload: 60 s).`;

/** One module per figure; each exports \`benchmark\`. */
const MODULES: readonly (() => Promise<{ benchmark: Benchmark }>)[] = [
  () => import('./figures/json-decode.ts'),
  () => import('./figures/tiny-http.ts'),
  () => import('./figures/tiny-grpc.ts'),
  () => import('./figures/large-tensors.ts'),
  () => import('./figures/step-overhead.ts'),
  () => import('./figures/ensemble.ts'),
  () => import('./figures/startup.ts'),
  () => import('./figures/batching.ts'),
  () => import('./figures/pipeline.ts'),
  () => import('./figures/overload.ts'),
  () => import('./hosting/invoke.ts'),
  () => import('./hosting/kill-instance.ts'),
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { markdown: { type: 'string' }, full: { type: 'boolean' }, help: { type: 'boolean' } },
});
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
} else {
  const pattern = new RegExp(positionals[0] ?? '');
  process.stdout.write(`${provenance()}\n\n`);
  for (const load of MODULES) {
    const { benchmark } = await load();
    if (!pattern.test(benchmark.name)) continue;
    process.stderr.write(`${benchmark.name}\n`);
    const report = await benchmark.run((line) => process.stderr.write(`  ${line}\n`), { full: values.full ?? false });
    const markdown = renderMarkdown(report);
    process.stdout.write(`${markdown}\n`);
    if (values.markdown !== undefined) appendFileSync(values.markdown, `${markdown}\n*${provenance()}*\n\n`);
  }
}
