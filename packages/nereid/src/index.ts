export { renderCliReference, runCommand } from './cli/index.ts';
