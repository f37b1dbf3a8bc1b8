import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeModel } from '../lib/models.ts';
import { nereidServer } from '../lib/nereid-server.ts';
import { postRequest, runLoad } from '../lib/process.ts';
import { type Benchmark, type BenchReport, type Row, ratioText } from '../lib/report.ts';
import { alternate } from '../lib/rounds.ts';

const MEMBERS = [2, 4, 8];
const MEMBER_MS = 5;
/** Clients for each member: some wait while one is served. */
const CLIENTS_PER_MEMBER = 4;
const ROUNDS = 5;
const MEASURE_MS = 2_000;

const TENSORS = `input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 4 ] } output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 4 ] }`;

function memberConfig(name: string): string {
  return `name: "${name}" backend: "identity" max_batch_size: 0 ${TENSORS}
instance_group { count: 1 kind: KIND_CPU }
parameters { key: "execute_delay_ms" value { string_value: "${MEMBER_MS}" } }
`;
}

function ensembleConfig(name: string, count: number): string {
  const tensor = (index: number) => (index === 0 ? 'INPUT0' : index === count ? 'OUTPUT0' : `t${index}`);
  const steps = Array.from(
    { length: count },
    (_, index) =>
      `step { model_name: "member_${index}" model_version: -1 input_map { key: "INPUT0" value: "${tensor(index)}" } output_map { key: "OUTPUT0" value: "${tensor(index + 1)}" } }`,
  );
  return `name: "${name}" platform: "ensemble" max_batch_size: 0 ${TENSORS} ensemble_scheduling { ${steps.join(' ')} }\n`;
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  for (let index = 0; index < Math.max(...MEMBERS); index++) {
    writeModel(directory, `member_${index}`, memberConfig(`member_${index}`));
  }
  for (const count of MEMBERS) writeModel(directory, `chain_${count}`, ensembleConfig(`chain_${count}`, count));
  const server = await nereidServer(directory, false);
  const headers = { 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': '0' };
  const contender = (model: string, connections: number) => ({
    name: model,
    async measure() {
      const requestBase64 = postRequest(`/v2/models/${model}/infer`, headers, new Uint8Array(16));
      const task = { port: server.port, requestBase64, connections, warmUpMs: 500, measureMs: MEASURE_MS };
      const result = await runLoad(task, false);
      if (result.errors > 0) throw new Error(`${result.errors} requests failed`);
      return result.requests / result.seconds;
    },
  });
  try {
    const rows: Row[] = [];
    for (const count of MEMBERS) {
      log(`${count} members`);
      const clients = CLIENTS_PER_MEMBER * count;
      const result = await alternate(contender(`chain_${count}`, clients), contender('member_0', clients), ROUNDS);
      const [ensemble, member] = [result.medians.get(`chain_${count}`)!, result.medians.get('member_0')!];
      rows.push({ cells: [count, clients, ensemble.toFixed(1), member.toFixed(1), ratioText(result.ratio)] });
    }
    return {
      title: 'An ensemble of equal members against one member alone, infer/s (aim ≥ 0.95)',
      columns: ['members', 'clients', 'ensemble', 'member', 'ratio, median [min–max]'],
      rows,
      notes: [
        `Each member has one instance that is busy for ${MEMBER_MS} ms; members work on different requests at the same time.`,
      ],
    };
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

export const benchmark: Benchmark = { name: 'ensemble/pipeline', run };
