export { type QuickstartOptions, runQuickstart } from './quickstart.ts';
