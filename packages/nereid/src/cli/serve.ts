import { appendFileSync } from 'node:fs';
import { StatusError, statusCodeName } from '@nereid/protocol';
import { ModelServer, SagemakerServeError, ServerLogger } from '@nereid/server';
import type { CommandContext } from './command.ts';
import { FlagError, parseFlags, renderHelp } from './flags/index.ts';
import { releaseMemoryWhenIdle } from './idle-memory.ts';
import { sagemakerEntry } from './sagemaker-entry.ts';
import { type ServeOptions, serveOptions } from './serve-options.ts';
import { modelTable } from './startup-table.ts';

/** `nereid serve`: runs until a signal ends it. Resolves to the exit code. */
export async function runServe(args: readonly string[], context: CommandContext): Promise<number> {
  const options = readOptions(args, context);
  if (typeof options === 'number') return options;
  for (const warning of options.warnings) console.error(`Warning: ${warning}`);
  let log: ServerLogger;
  try {
    log = new ServerLogger({
      settings: options.log,
      escapeMessages: context.environment['TRITON_SERVER_ESCAPE_LOG_MESSAGES'] !== '0',
    });
  } catch (error) {
    return fail(`cannot open the log file '${options.log.file}': ${messageOf(error)}`);
  }
  try {
    return await serve(options, log);
  } finally {
    log.close();
  }
}

/** The options, or the exit code when there is nothing to serve: help was asked for, or the command line is wrong. */
function readOptions(args: readonly string[], { environment }: CommandContext): ServeOptions | number {
  try {
    const container = sagemakerEntry(args, environment);
    for (const message of container?.messages ?? []) console.log(message);
    const parsed = parseFlags(container?.flags ?? args);
    if (parsed.help) {
      process.stdout.write(renderHelp());
      return 0;
    }
    return serveOptions(parsed, { ...environment, ...container?.environment });
  } catch (error) {
    if (error instanceof SagemakerServeError) return fail(error.message);
    if (error instanceof StatusError) return creationFailed(error);
    if (!(error instanceof FlagError)) throw error;
    console.error('Usage: nereid serve --model-repository=<directory> [flags]');
    console.error(`nereid serve --help lists the flags.\n\n${error.message}`);
    return 1;
  }
}

async function serve(options: ServeOptions, log: ServerLogger): Promise<number> {
  const signals = new StopSignals();
  const { paths } = options.server.repository;
  if (paths.length === 0) return creationFailed(new StatusError('INVALID_ARG', '--model-repository must be specified'));
  let server: ModelServer;
  try {
    server = new ModelServer({ ...options.server, log });
    await Promise.race([server.load(), signals.first]);
  } catch (error) {
    return creationFailed(StatusError.from(error));
  }
  if (signals.received === undefined) {
    printTable(modelTable(server.modelStatuses()), options);
    if (server.loadFailure !== undefined && options.exitOnError) {
      await server.stop(options.exitTimeoutMs);
      return creationFailed(server.loadFailure);
    }
    try {
      await server.listen();
    } catch (error) {
      await server.stop(options.exitTimeoutMs);
      log.error(messageOf(error), 'main.cc');
      return 1;
    }
  }
  releaseMemoryWhenIdle();
  // A server without front ends has nothing else that keeps the process.
  const keepAlive = setInterval(() => {}, 2 ** 31 - 1);
  await signals.first;
  clearInterval(keepAlive);
  console.error(`Signal (${signals.received}) received.`);
  const unanswered = await server.stop(options.exitTimeoutMs);
  if (unanswered === 0) return 0;
  log.error('failed to stop server: Internal - Exit timeout expired. Exiting immediately.', 'main.cc');
  return 1;
}

/** Ctrl+C reaches every process of the terminal, and the launcher passes it on too: signals this close are one. */
const ONE_SIGNAL_MS = 500;

/** SIGINT and SIGTERM: the first asks to stop, the second ends the process at once. */
class StopSignals {
  /** Number of the signal. */
  received: number | undefined;
  #receivedMs = 0;
  readonly first: Promise<void>;

  constructor() {
    this.first = new Promise((resolve) => {
      for (const [signal, number] of [
        ['SIGINT', 2],
        ['SIGTERM', 15],
      ] as const) {
        process.on(signal, () => {
          if (this.received === undefined) {
            this.received = number;
            this.#receivedMs = performance.now();
            resolve();
          } else if (performance.now() - this.#receivedMs > ONE_SIGNAL_MS) {
            process.exit(1);
          }
        });
      }
    });
  }
}

/** A table goes where the log goes, as it is. */
function printTable(table: string, { log }: ServeOptions): void {
  if (log.infoEnabled === false) return;
  if (log.file) appendFileSync(log.file, `${table}\n\n`);
  else process.stderr.write(`${table}\n\n`);
}

function creationFailed(error: StatusError): number {
  return fail(`error: creating server: ${statusCodeName(error.code)} - ${error.message}`);
}

function fail(message: string): number {
  console.error(message);
  return 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
