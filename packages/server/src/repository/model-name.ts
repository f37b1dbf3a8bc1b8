import { StatusError } from '@nereid/protocol';

/** Refuses a model name that would lead out of the repository, or that no directory can have. @throws StatusError INVALID_ARG */
export function checkModelName(name: string, maxLength: number): void {
  const trimmed = name.trim();
  if (trimmed === '') {
    throw new StatusError('INVALID_ARG', 'Model name cannot be empty. Please enter a valid name to deploy.');
  }
  const shown = name.length > maxLength ? `${name.slice(0, maxLength)}…` : name;
  const isPath = trimmed === '.' || trimmed === '..' || /[/\0]/.test(trimmed);
  if (isPath || name.length > maxLength) {
    const message = `invalid model name '${shown}', model name must not contain path traversal characters`;
    throw new StatusError('INVALID_ARG', message);
  }
}
