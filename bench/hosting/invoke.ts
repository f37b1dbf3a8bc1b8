import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { articlePhotograph, articleRepository } from '../lib/article.ts';
import type { LoadResult } from '../lib/load-result.ts';
import { ADD_SUB_CONFIG, addSubModel, writeModel } from '../lib/models.ts';
import { postRequest, runLoad, startBenchServer } from '../lib/process.ts';
import { type Benchmark, type BenchReport, type Row, ratioText } from '../lib/report.ts';
import { alternate, median } from '../lib/rounds.ts';
import { type DeployedHost, deployHost } from './deployed-host.ts';

const ROUNDS = 5;
const WARM_UP_MS = 300;
const MEASURE_MS = 1_500;
/** The article's picture has 576,464 bytes; photographs are padded with what a JPEG decoder skips. */
const ARTICLE_BYTES = 576_464;
const BINARY_TYPE = 'application/vnd.sagemaker-triton.binary+json;json-header-size=';

interface Case {
  readonly name: string;
  readonly contentType: string;
  readonly body: Buffer;
  readonly connections: number;
}

/** One request to one port; results are kept to take medians from. */
class Contender {
  readonly name: string;
  readonly results: LoadResult[] = [];
  readonly #port: number;
  readonly #requestBase64: string;
  readonly #connections: number;

  constructor(name: string, port: number, requestBase64: string, connections: number) {
    this.name = name;
    this.#port = port;
    this.#requestBase64 = requestBase64;
    this.#connections = connections;
  }

  async measure(): Promise<number> {
    const load = { port: this.#port, requestBase64: this.#requestBase64, connections: this.#connections };
    const result = await runLoad({ ...load, warmUpMs: WARM_UP_MS, measureMs: MEASURE_MS }, false);
    if (result.errors > 0) throw new Error(`${this.name}: ${result.errors} requests failed`);
    this.results.push(result);
    return result.requests / result.seconds;
  }

  get p50Micros(): number {
    return median(this.results.map((result) => result.p50Micros));
  }

  get requests(): number {
    return this.results.reduce((sum, result) => sum + result.requests, 0) * ((WARM_UP_MS + MEASURE_MS) / MEASURE_MS);
  }
}

function smallBody(): Buffer {
  const tensor = { shape: [1, 16], datatype: 'INT32', data: Array.from({ length: 16 }, (_, index) => index) };
  return Buffer.from(JSON.stringify({ inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, ...tensor })) }));
}

async function articleBody(): Promise<{ body: Buffer; contentType: string }> {
  const photograph = Buffer.from(await articlePhotograph());
  const image = Buffer.concat([photograph, Buffer.alloc(Math.max(0, ARTICLE_BYTES - photograph.length))]);
  const header = JSON.stringify({
    inputs: [
      { name: 'INPUT', shape: [1, image.length], datatype: 'UINT8', parameters: { binary_data_size: image.length } },
    ],
    outputs: [{ name: 'OUTPUT', parameters: { binary_data: true } }],
  });
  return { body: Buffer.concat([Buffer.from(header), image]), contentType: `${BINARY_TYPE}${header.length}` };
}

async function measureCase(host: DeployedHost, one: Case, log: (line: string) => void): Promise<Row[]> {
  const [instance] = host.instances;
  if (!instance) throw new Error('the host has started no instance');
  log(one.name);
  const { contentType, body, connections } = one;
  const direct = (): Contender =>
    new Contender(
      'direct',
      instance.port,
      postRequest('/invocations', { 'Content-Type': contentType }, body),
      connections,
    );
  const rows: Row[] = [];
  const compare = async (contender: Contender, cpuMicros: () => number): Promise<void> => {
    const base = direct();
    const cpuBefore = cpuMicros();
    const { medians, ratio } = await alternate(contender, base, ROUNDS);
    const cpu = (cpuMicros() - cpuBefore) / contender.requests;
    rows.push({
      cells: [
        one.name,
        contender.name,
        (medians.get('direct') ?? 0).toFixed(0),
        (medians.get(contender.name) ?? 0).toFixed(0),
        ratioText(ratio),
        (contender.p50Micros - base.p50Micros).toFixed(0),
        cpu.toFixed(0),
      ],
    });
  };
  for (const [name, announcesHash] of [
    ['host, signed as by boto3', false],
    ['host, signed as by the JavaScript SDK', true],
  ] as const) {
    const request = await host.signedRequest(contentType, body, announcesHash);
    await compare(new Contender(name, host.port, request.toString('base64'), connections), host.cpuMicros);
  }
  for (const [name, script] of [
    ['bare HTTP proxy', new URL('bare-proxy.ts', import.meta.url)],
    ['bare pipe', new URL('bare-pipe.ts', import.meta.url)],
  ] as const) {
    const proxy = await startBenchServer({
      args: [fileURLToPath(script), String(instance.port)],
      portPattern: /port (\d+)/,
      pinned: false,
    });
    const request = postRequest('/invocations', { 'Content-Type': contentType }, body);
    await compare(new Contender(name, proxy.port, request, connections), proxy.cpuMicros);
    await proxy.stop();
  }
  return rows;
}

async function run(log: (line: string) => void): Promise<BenchReport> {
  const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-hosting-'));
  const rows: Row[] = [];
  try {
    const small = join(directory, 'small');
    writeModel(small, 'simple', ADD_SUB_CONFIG, addSubModel());
    const smallHost = await deployHost(join(directory, 'a'), small, 'simple', 1);
    for (const connections of [1, 8]) {
      const one = {
        name: `add/sub, JSON, ${connections} connections`,
        contentType: 'application/json',
        body: smallBody(),
        connections,
      };
      rows.push(...(await measureCase(smallHost, one, log)));
    }
    await smallHost.stop();
    const article = await deployHost(
      join(directory, 'b'),
      await articleRepository(directory),
      'ensemble_dali_inception',
      1,
    );
    for (const connections of [1, 4]) {
      rows.push(
        ...(await measureCase(
          article,
          { name: `the article's body, ${connections} connections`, ...(await articleBody()), connections },
          log,
        )),
      );
    }
    await article.stop();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return {
    title: 'InvokeEndpoint against a direct call to the instance',
    columns: ['request', 'by way of', 'direct req/s', 'this way req/s', 'ratio', 'added p50 µs', 'CPU µs a request'],
    rows,
    notes: [
      'Aim: at most 250 µs added at p50 for the small body with one connection, at least 0.9 of the direct throughput for the body of the article.',
      'The bare HTTP proxy is a node:http server that passes requests on and does nothing else; the bare pipe copies bytes from socket to socket: what a second hop costs on this machine.',
      `Medians of ${ROUNDS} alternated rounds of ${MEASURE_MS / 1000} s; load generator, host and instance share the cores.`,
    ],
  };
}

export const benchmark: Benchmark = { name: 'hosting/invoke', run };
