export { runCommand } from './command.ts';
export { renderCliReference } from './reference.ts';
