import { type HostFlag, hostFlags } from '@nereid/hosting/flags';
import { Command, CommanderError, Option } from 'commander';
import type { CheckOptions } from './check.ts';
import type { HostCommandOptions } from './host.ts';
import type { ImportOptions } from './import.ts';
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
