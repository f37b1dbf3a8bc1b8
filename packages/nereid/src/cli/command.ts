import { Command, CommanderError } from 'commander';
import { runCheck } from './check.ts';
import { runImport } from './import.ts';
import { runQuickstartCommand } from './quickstart.ts';
import { runServe } from './serve.ts';
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
  const finish = (code: number) => {
    exitCode = code;
  };
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
    .action(async (flags: string[]) => finish(await runServe(flags, context)));
  program
    .command('check')
    .description(
      'load and validate a model repository without serving it; print every problem and the graph of each ensemble',
    )
    .argument('<directory>', 'model repository, or one model in it')
    .option('--disable-auto-complete-config', 'take configurations as written')
    .option('--config-only', 'do not load the models, which takes their time and memory')
    .option('--backend-config <setting...>', 'setting of a backend, as for serve')
    .action(
      async (
        directory: string,
        options: { disableAutoCompleteConfig?: true; configOnly?: true; backendConfig?: string[] },
      ) => finish(await runCheck(directory, options, context)),
    );
  program
    .command('import')
    .description('write the ONNX model that a model of another framework becomes when it is served')
    .argument('<model>', 'model file: TensorFlow GraphDef (.graphdef, .pb)')
    .requiredOption('-o, --output <file>', 'ONNX file to write')
    .option('--outputs <names>', 'tensors to make outputs, separated by commas; those nothing reads when not given')
    .action(async (model: string, options: { output: string; outputs?: string }) =>
      finish(await runImport(model, options)),
    );
  program
    .command('quickstart')
    .description('fetch a real model and photographs, serve them, classify, show how')
    .option('--once', 'exit afterwards instead of serving on')
    .option('--directory <directory>', 'where to write the model repository and the requests', '.nereid/quickstart')
    .action(async (options: { once?: true; directory: string }) =>
      finish(await runQuickstartCommand(options, context)),
    );
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version were asked for, or the error was printed.
    return error.exitCode === 0 || error.code === 'commander.help' ? Math.min(error.exitCode, 1) : 2;
  }
  return exitCode;
}
