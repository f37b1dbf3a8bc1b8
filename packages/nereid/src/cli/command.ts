import { type HostFlag, hostFlags } from '@nereid/hosting/flags';
import { Command, CommanderError, Option } from 'commander';
import type { CheckOptions } from './check.ts';
import type { HostCommandOptions } from './host.ts';
import type { ImportOptions } from './import.ts';
import type { ProfileCommandOptions } from './profile.ts';
import { PRODUCT_VERSION } from './version.ts';

/** What the command was started with. */
export interface CommandContext {
  /** The file to start for another process of this command. */
  readonly entryPoint: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Runs the command line and resolves to the exit code: 0 done, 1 failed, 2 not understood. */
export async function runCommand(args: readonly string[], context: CommandContext): Promise<number> {
  let exitCode = 0;
  const program = createProgram((code) => {
    exitCode = code;
  }, context);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help or the version was asked for, or commander has said what is wrong.
    return error.exitCode === 0 ? 0 : 2;
  }
  return exitCode;
}

/** The verbs, each loaded when it is used. `finish` is told its exit code. */
export function createProgram(finish: (exitCode: number) => void, context: CommandContext): Command {
  const program = new Command('nereid')
    .description('A model server for ensembles: Triton model repositories, protocols and flags; SageMaker endpoints.')
    .version(PRODUCT_VERSION)
    .exitOverride()
    .enablePositionalOptions();
  program
    .command('serve')
    .description('serve a model repository; takes the flags of tritonserver')
    // The flags are tritonserver's, read as getopt_long reads them.
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .passThroughOptions()
    .argument('[flags...]')
    .action(async (flags: string[]) => finish(await (await import('./serve.ts')).runServe(flags, context)));
  program
    .command('check')
    .description(
      'load and validate a model repository without serving it: every problem, and the graph of each ensemble',
    )
    .argument('<directory>', 'model repository')
    .option('--disable-auto-complete-config', 'take configurations as written')
    .option('--no-load', 'look at the configurations only, which is quick')
    .option('--backend-config <setting...>', 'setting of a backend, as for serve')
    .action(async (directory: string, options: CheckOptions) =>
      finish(await (await import('./check.ts')).runCheck(directory, options, context)),
    );
  program
    .command('import')
    .description('write the ONNX model that a model of another framework becomes when it is served')
    .argument('<model>', 'model file: a frozen TensorFlow GraphDef (.graphdef, .pb)')
    .requiredOption('-o, --output <file>', 'ONNX file to write')
    .option('--format <format>', 'what the file is, when it does not say so itself')
    .option('--outputs <names...>', 'tensors to make outputs; by default those that nothing in the model reads')
    .action(async (model: string, options: ImportOptions) =>
      finish(await (await import('./import.ts')).runImport(model, options)),
    );
  const host = program
    .command('host')
    .description('host SageMaker endpoints on this machine: control plane, runtime and S3 store behind one port');
  for (const flag of hostFlags) host.addOption(hostOption(flag));
  host.action(async (options: HostCommandOptions) => finish(await (await import('./host.ts')).runHost(options)));
  program
    .command('profile')
    .description('measure a model under load, and find its best configuration: perf_analyzer and Model Analyzer in one')
    .argument('<model>', 'name of the model')
    .option('-u, --url <url>', 'HTTP address of a running server, such as localhost:8000')
    .option('-m, --model-repository <directory>', 'start a server of its own on this repository')
    .option('-x, --model-version <version>', 'version of the model; by default the highest')
    .option('-b, --batch-size <n>', 'inferences in a request', '1')
    .option('--concurrency-range <start:end:step>', 'closed loop: requests outstanding at a time (default 1)')
    .option('--request-rate-range <start:end:step>', 'open loop: requests a second, whatever the server does')
    .option('--request-distribution <name>', 'times of the open loop: poisson or constant', 'poisson')
    .option('--max-connections <n>', 'connections of the open loop at most', '512')
    .option('-p, --measurement-interval <ms>', 'length of a window', '5000')
    .option('-s, --stability-percentage <n>', 'how far three windows in a row may lie apart', '10')
    .option('-r, --max-trials <n>', 'windows at most', '10')
    .option('--percentile <n>', 'latency that has to be stable and within the budget; the average when not given')
    .option('--input-data <source>', "zero, random, or a JSON file in perf_analyzer's format", 'random')
    .option('--shape <name:dims...>', 'sizes of variable dimensions, such as INPUT0:3,224,224')
    .option('--sequence-length <n>', 'requests of a sequence, for models with sequence batching', '20')
    .option('--seed <n>', 'of random data and times', '0')
    .option('-f, --csv <file>', "write the figures with perf_analyzer's columns")
    .option('--search', 'look for the configuration with the highest throughput')
    .option('--instances <list>', 'instance counts to try (default: 1, 2 and the number of cores)')
    .option(
      '--queue-delays <list>',
      'max_queue_delay_microseconds to try; off is no dynamic batching',
      'off,0,500,2000',
    )
    .option('--preferred-batch-sizes <lists>', 'preferred sizes to try, such as 4;8;4,8')
    .option('--threads <list>', 'intra_op_thread_count to try; shared is the pool of the server (default: shared, 1)')
    .option(
      '--latency-budget <ms>',
      'highest latency a configuration may have (p99 unless --percentile says otherwise)',
    )
    .option('--output-directory <directory>', 'where the best config.pbtxt goes', '.nereid/profile')
    .action(async (model: string, options: ProfileCommandOptions) =>
      finish(await (await import('./profile.ts')).runProfile(model, options, context)),
    );
  program
    .command('quickstart')
    .description('fetch a real model and photographs, serve them, classify, show how')
    .option('--once', 'exit afterwards instead of serving on')
    .option('--directory <directory>', 'where to write the model repository and the requests', '.nereid/quickstart')
    .action(async (options: { once?: true; directory: string }) =>
      finish(await (await import('./quickstart.ts')).runQuickstartCommand(options, context)),
    );
  return program;
}

function hostOption({ name, kind, placeholder, defaultText, help }: HostFlag): Option {
  const value = kind === 'switch' ? '' : ` ${placeholder ?? '<value>'}`;
  const text = defaultText === undefined ? help : `${help} (default: ${defaultText})`;
  const option = new Option(`--${name}${value}`, text);
  if (kind !== 'list') return option;
  return option.argParser((item: string, before: readonly string[] | undefined) => [...(before ?? []), item]);
}
