import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { obtainAsset } from './asset-cache.ts';
import { type AssetPackage, MODEL_LABELS, MODEL_PACKAGE, PHOTOGRAPHS } from './assets.ts';
import type { ChildCommand } from './child-command.ts';
import { classLines } from './class-lines.ts';
import { type HostingOptions, showHosting } from './hosting-steps.ts';
import { binaryBody, type Classification, classify, jsonBody } from './infer-client.ts';
import { ENSEMBLE, writeModelRepository } from './model-repository.ts';
import { Progress } from './progress.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export interface QuickstartOptions {
  /** Where the model repository, the request bodies and the server's log are written. */
  readonly directory: string;
  /** Exit after the classification instead of serving on. */
  readonly once: boolean;
  /** The file that holds the command, started again as the server. */
  readonly entryPoint: string;
}

const TOP_CLASSES = 3;
/** What the requests for curl ask for. */
const CURL_CLASSES = 2;

/** From nothing to a classified photograph, told step by step. Resolves to the exit code. */
export async function runQuickstart(options: QuickstartOptions): Promise<number> {
  const progress = new Progress();
  const startMs = Date.now();
  const directory = resolve(options.directory);
  const modelRepository = join(directory, 'model_repository');
  await mkdir(directory, { recursive: true });
  progress.line('Nereid: an image pipeline and Inception V3 as one ensemble, served as Triton serves it\n');

  const photographs = await obtainPhotographs(progress);
  const modelPackage = await fetchAsset(progress, MODEL_PACKAGE);
  await progress.step(`model repository in ${shown(modelRepository)}`, (report) =>
    writeModelRepository(modelRepository, modelPackage, report),
  );
  const server = await progress.step('server start, models loaded', () =>
    startServer({ entryPoint: options.entryPoint, modelRepository, logPath: join(directory, 'server.log') }),
  );
  try {
    await showClassifications(progress, server, photographs);
    await showCommands(progress, server, directory, photographs[0].bytes);
    const host = await showHosting(progress, hostingOptions(options, directory, modelRepository, photographs[0].bytes));
    try {
      progress.line(`\nDone in ${((Date.now() - startMs) / 1000).toFixed(1)} s.`);
      if (options.once) return 0;
      const addresses = [server.baseUrl, ...(host ? [host.clientEnvironment.AWS_ENDPOINT_URL] : [])];
      progress.line(`What was started stays up at ${addresses.join(' and ')}; Ctrl+C stops it.`);
      return await untilStopped(host ? [server, host] : [server]);
    } finally {
      await host?.stop();
    }
  } finally {
    await server.stop();
  }
}

interface LoadedPhotograph {
  readonly title: string;
  readonly bytes: Uint8Array;
}

async function obtainPhotographs(progress: Progress): Promise<[LoadedPhotograph, ...LoadedPhotograph[]]> {
  const load = async (photograph: (typeof PHOTOGRAPHS)[number]): Promise<LoadedPhotograph> => {
    const folder = await fetchAsset(progress, photograph.package);
    return { title: photograph.title, bytes: new Uint8Array(await readFile(join(folder, photograph.path))) };
  };
  const [first, ...others] = PHOTOGRAPHS;
  const loaded: [LoadedPhotograph, ...LoadedPhotograph[]] = [await load(first)];
  for (const photograph of others) loaded.push(await load(photograph));
  return loaded;
}

function fetchAsset(progress: Progress, asset: AssetPackage): Promise<string> {
  const size = `${(asset.bytes / 1e6).toFixed(1)} MB`;
  return progress.step(`${asset.name} ${asset.version} from npm, ${size}`, () => obtainAsset(asset, assetDirectory()));
}

function assetDirectory(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'nereid', 'assets');
}

async function showClassifications(
  progress: Progress,
  server: ServerProcess,
  photographs: readonly [LoadedPhotograph, ...LoadedPhotograph[]],
): Promise<void> {
  const [first, ...others] = photographs;
  progress.line(`\n${first.title} (${(first.bytes.length / 1000).toFixed(0)} kB JPEG)`);
  for (const [title, body] of [
    ['JSON', jsonBody(first.bytes)],
    ['JSON + binary', binaryBody(first.bytes)],
  ] as const) {
    const result = await classify(server.baseUrl, body);
    progress.line(
      `\n  as ${title}, ${(result.requestBytes / 1000).toFixed(0)} kB: ${result.roundTripMs.toFixed(1)} ms`,
    );
    for (const line of [...classLines(result.scores, MODEL_LABELS, TOP_CLASSES), ...timeLines(result)])
      progress.line(`    ${line}`);
  }
  progress.line('\nothers');
  for (const { title, bytes } of others) {
    const result = await classify(server.baseUrl, binaryBody(bytes));
    progress.line(
      `    ${classLines(result.scores, MODEL_LABELS, 1)[0]}  ${title}, ${result.roundTripMs.toFixed(1)} ms`,
    );
  }
  progress.line(
    '\nThe model is an image-moderation classifier (NSFW JS, Inception V3): what it tells of a harmless photograph is that it is harmless.',
  );
}

function timeLines({ steps, ensemble }: Classification): string[] {
  return [...steps, ensemble].map(({ model, queueMs, computeMs, totalMs }) => {
    const parts =
      model === ENSEMBLE ? 'the whole ensemble' : `queue ${queueMs.toFixed(1)} ms, compute ${computeMs.toFixed(1)} ms`;
    return `${totalMs.toFixed(1).padStart(6)} ms  ${model.padEnd(24)} ${parts}`;
  });
}

/** Writes request bodies to files, so that the commands work as they are. Here the server is asked for the labels. */
async function showCommands(
  progress: Progress,
  server: ServerProcess,
  directory: string,
  image: Uint8Array,
): Promise<void> {
  const json = join(directory, 'request.json');
  const binary = join(directory, 'request.bin');
  const jsonRequest = jsonBody(image, CURL_CLASSES);
  const binaryRequest = binaryBody(image, CURL_CLASSES);
  await writeFile(json, jsonRequest.body);
  await writeFile(binary, binaryRequest.body);
  const url = `${server.baseUrl}/v2/models/${ENSEMBLE}/infer`;
  progress.line(`
The same with curl, while the server runs (the answer's data is "score:class:label"):

  curl -s ${url} -H 'Content-Type: application/json' --data-binary @${quoted(json)}

  curl -s ${url} -H 'Inference-Header-Content-Length: ${binaryRequest.jsonLength}' --data-binary @${quoted(binary)}`);
}

function hostingOptions(
  { entryPoint }: QuickstartOptions,
  directory: string,
  modelRepository: string,
  image: Uint8Array,
): HostingOptions {
  return { modelRepository, defaultModel: ENSEMBLE, directory, entryPoint, image, labels: MODEL_LABELS, shown: quoted };
}

/** Resolves to the exit code: when the user stops us, or one of `commands` has ended by itself. */
async function untilStopped(commands: readonly ChildCommand[]): Promise<number> {
  const stopped = new Promise<number>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done(0));
  });
  return Promise.race([stopped, ...commands.map(({ exited }) => exited.then((code) => code ?? 1))]);
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** For a POSIX shell. */
function quoted(path: string): string {
  const short = shown(path);
  return /^[\w./+-]+$/.test(short) ? short : `'${short.replaceAll("'", "'\\''")}'`;
}
