import { join, relative } from 'node:path';
import { checkRepositories, type InspectionProblem, renderEnsembleGraph, ServerLogger } from '@nereid/server';
import { cacheDirectory } from './cache-directory.ts';
import type { CommandContext } from './command.ts';
import { FlagError, parseFlags } from './flags/index.ts';
import { printable } from './printable.ts';

export interface CheckOptions {
  readonly disableAutoCompleteConfig?: true;
  /** Commander's form of `--no-load`. */
  readonly load: boolean;
  readonly backendConfig?: readonly string[];
}

/** `nereid check`: prints every problem with its place, and the graphs of the ensembles. Resolves to 0 when there is no error. */
export async function runCheck(
  directory: string,
  options: CheckOptions,
  { environment }: CommandContext,
): Promise<number> {
  let backendConfig: ReadonlyMap<string, ReadonlyMap<string, string>>;
  try {
    const settings = options.backendConfig ?? [];
    backendConfig = parseFlags(settings.map((setting) => `--backend-config=${setting}`)).values['backend-config'];
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    console.error(error.message);
    return 2;
  }
  // What backends log on the way is said by the problems.
  const log = new ServerLogger({ settings: { infoEnabled: false, warningEnabled: false, errorEnabled: false } });
  const { goodModels, problems, ensembles } = await checkRepositories([directory], {
    autoComplete: options.disableAutoCompleteConfig === undefined,
    backendConfig,
    cacheDirectory: join(cacheDirectory(environment), 'imports'),
    load: options.load,
    log,
  });
  for (const graph of ensembles) console.log(`${printableLines(renderEnsembleGraph(graph), '')}\n`);
  for (const problem of problems) console.log(describeProblem(problem));
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const models = `${goodModels.length} ${goodModels.length === 1 ? 'model' : 'models'} without errors`;
  console.log(
    `${models}${goodModels.length === 0 ? '' : ` (${goodModels.map(printable).join(', ')})`}, ${errors} ${errors === 1 ? 'error' : 'errors'}`,
  );
  return errors === 0 ? 0 : 1;
}

/** As compilers write it, so that editors and CI find the place: `file:line:column: error: message`. */
function describeProblem({ file, line, column, severity, message, hint }: InspectionProblem): string {
  const short = relative(process.cwd(), file);
  const place = [short.startsWith('..') || short === '' ? file : short, line, column].filter(
    (part) => part !== undefined,
  );
  const text = hint === undefined ? message.trimEnd() : `${message.trimEnd()}\n${hint}`;
  return `${printable(place.join(':'))}: ${severity}: ${printableLines(text, '    ')}`;
}

/** Every line without control characters; all but the first begin with `indent`. */
function printableLines(text: string, indent: string): string {
  return text
    .split('\n')
    .map((line) => (/^ */.exec(line)?.[0] ?? '') + printable(line))
    .join(`\n${indent}`);
}
