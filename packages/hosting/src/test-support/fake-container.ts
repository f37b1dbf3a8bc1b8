/**
 * A container for tests: it keeps SageMaker's container contract and does what the request's body says. Started by the host as a child process.
 *
 * Start-up is told by files in the model: `version.txt` is echoed in answers, `fail.txt` is printed before it exits with 1, `never-ready` keeps `/ping`
 * at 503.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';

const { env } = process;
const modelDirectory = join(env['SAGEMAKER_BASE_DIR'] ?? '', 'model');
const isMultiModel = env['SAGEMAKER_MULTI_MODEL'] === 'true';
const maxModels = Number(env['FAKE_MAX_MODELS'] ?? 1000);
const models = new Map<string, string>();

function modelFile(directory: string, name: string): string | undefined {
  const path = join(directory, name);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

const failure = isMultiModel ? undefined : modelFile(modelDirectory, 'fail.txt');
if (failure !== undefined) {
  process.stderr.write(`${failure}\n`);
  process.exit(1);
}
const version = isMultiModel ? undefined : modelFile(modelDirectory, 'version.txt');
const isNeverReady = !isMultiModel && existsSync(join(modelDirectory, 'never-ready'));

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function report(request: IncomingMessage, body: Buffer, model: string | undefined): string {
  return JSON.stringify({
    version: model ?? version,
    pid: process.pid,
    container: env['CONTAINER_LABEL'],
    headers: request.headers,
    bytes: body.length,
    text: body.length < 1000 ? body.toString('utf8') : undefined,
    environment: Object.fromEntries(
      Object.entries(env).filter(([name]) => /^(SAGEMAKER|SM_|AWS_|CONTAINER_|NODE_OPTIONS|LD_)/.test(name)),
    ),
  });
}

/** The first word of a body is an order: `status 400 text`, `hang`, `crash`, `break`, `stream a b c`, `echo`. Everything else gets a report. */
function answer(request: IncomingMessage, response: ServerResponse, body: Buffer, model: string | undefined): void {
  const [order, ...rest] = body.length < 1000 ? body.toString('utf8').split(' ') : [];
  response.setHeader('content-type', 'application/json');
  const attributes = request.headers['x-amzn-sagemaker-custom-attributes'];
  if (typeof attributes === 'string') response.setHeader('x-amzn-sagemaker-custom-attributes', `seen ${attributes}`);
  switch (order) {
    case 'status':
      response.statusCode = Number(rest[0]);
      response.end(rest.slice(1).join(' '));
      return;
    case 'hang':
      return;
    case 'crash':
      process.exit(9);
      return;
    case 'break':
      response.writeHead(200);
      response.write('half');
      setImmediate(() => response.destroy());
      return;
    case 'stream':
      response.writeHead(200, { 'content-type': 'text/plain' });
      void sendParts(response, rest);
      return;
    default:
      if (request.headers['content-type'] === 'application/x-echo') {
        response.setHeader('content-type', 'application/x-echo');
        response.end(body);
      } else response.end(report(request, body, model));
  }
}

async function sendParts(response: ServerResponse, parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    if (part === 'break') {
      response.destroy();
      return;
    }
    response.write(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

async function manageModels(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
  if (request.method === 'POST' && name === '') {
    const { model_name: hash, url } = JSON.parse((await bodyOf(request)).toString('utf8')) as {
      model_name: string;
      url: string;
    };
    const failed = modelFile(url, 'fail.txt');
    if (models.has(hash)) response.statusCode = 409;
    else if (failed !== undefined) response.writeHead(400).write(failed);
    else if (models.size >= maxModels) response.statusCode = 507;
    else models.set(hash, modelFile(url, 'version.txt') ?? '');
  } else if (request.method === 'DELETE') response.statusCode = models.delete(name) ? 200 : 404;
  else if (name === '') response.write(JSON.stringify({ models: [...models.keys()] }));
  else response.statusCode = models.has(name) ? 200 : 404;
  response.end();
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, first, second = '', third] = (request.url ?? '').split('/');
  if (first === 'ping') response.writeHead(isNeverReady ? 503 : 200).end();
  else if (first === 'invocations') answer(request, response, await bodyOf(request), undefined);
  else if (first !== 'models') response.writeHead(404).end();
  else if (third === 'invoke') {
    const model = models.get(second);
    if (model === undefined) response.writeHead(404).end();
    else answer(request, response, await bodyOf(request), model);
  } else await manageModels(request, response, second);
}

const server = createServer((request, response) => {
  serve(request, response).catch(() => response.destroy());
});
server.listen(Number(env['SAGEMAKER_BIND_TO_PORT']), env['SAGEMAKER_BIND_TO_ADDRESS']);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
