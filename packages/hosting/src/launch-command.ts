import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HostOptionError } from './host-option-error.ts';
import type { LaunchCommand } from './instances/index.ts';

/** The package that holds the command. This one does not depend on it: whoever installs the command has both. */
const COMMAND_PACKAGE = 'nereid';

/** `nereid serve` without flags, from the package `nereid` beside this one: it takes everything from SageMaker's environment variables. */
export function defaultLaunchCommand(): LaunchCommand {
  let entry: string;
  try {
    entry = fileURLToPath(import.meta.resolve(COMMAND_PACKAGE));
  } catch (error) {
    throw new HostOptionError(
      "the package 'nereid', which serves the models, is not installed: give a launch command",
      { cause: error },
    );
  }
  return [process.execPath, join(dirname(entry), '..', 'bin', 'nereid.mjs'), 'serve'];
}
