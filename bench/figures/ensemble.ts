import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { articlePhotograph, articleRepository } from '../lib/article.ts';
import { startLineProcess } from '../lib/line-process.ts';
import { LAUNCHER, nereidServer } from '../lib/nereid-server.ts';
import { postRequest, runLoad } from '../lib/process.ts';
import { type Benchmark, type BenchReport, type Row, ratioText } from '../lib/report.ts';
import { alternate, median } from '../lib/rounds.ts';

const CONNECTIONS = [1, 2, 4, 8];
const ROUNDS = 5;
const MEASURE_MS = 6_000;
const MODEL = 'ensemble_dali_inception';

async function run(log: (line: string) => void): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
  try {
    log("writing the article's repository");
    const repository = await articleRepository(directory);
    const photograph = await articlePhotograph();
    const picture = join(directory, 'picture.jpg');
    const onnx = join(directory, 'inception.onnx');
    writeFileSync(picture, photograph);
    execFileSync(
      process.execPath,
      [LAUNCHER, 'import', join(repository, 'inception_graphdef/1/model.graphdef'), '-o', onnx],
      { stdio: 'ignore' },
    );
    const script = fileURLToPath(new URL('../lib/raw-loop.ts', import.meta.url));
    const raw = await startLineProcess([script, onnx, picture]);
    const server = await nereidServer(repository, false);
    const request = postRequest(
      `/v2/models/${MODEL}/infer`,
      { 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': '0' },
      photograph,
    );
    try {
      const rows: Row[] = [];
      for (const connections of CONNECTIONS) {
        log(`${connections} connections`);
        const latencies: number[] = [];
        const result = await alternate(
          {
            name: 'nereid',
            async measure() {
              const load = await runLoad(
                { port: server.port, requestBase64: request, connections, warmUpMs: 1_000, measureMs: MEASURE_MS },
                false,
              );
              if (load.errors > 0) throw new Error(`${load.errors} requests failed`);
              latencies.push(load.p50Micros / 1000);
              return load.requests / load.seconds;
            },
          },
          { name: 'raw loop', measure: async () => Number(await raw.ask(String(MEASURE_MS / 1000))) },
          ROUNDS,
        );
        const [ours, theirs] = [result.medians.get('nereid')!, result.medians.get('raw loop')!];
        rows.push({
          cells: [
            connections,
            ours.toFixed(2),
            theirs.toFixed(2),
            ratioText(result.ratio),
            median(latencies).toFixed(0),
          ],
        });
      }
      return {
        title: "The article's ensemble against a raw loop in one process, images/s (aim ≥ 0.95)",
        columns: ['connections', 'nereid', 'raw loop', 'ratio, median [min–max]', 'nereid p50 ms'],
        rows,
        notes: [
          `Photograph of ${photograph.length} bytes, sent whole as a raw request. Both use every core; the raw loop runs one image at a time with ONNX Runtime on all threads.`,
        ],
      };
    } finally {
      raw.stop();
      await server.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export const benchmark: Benchmark = { name: 'ensemble/images', run };
