export { IterativeSequenceBackend } from './backend.ts';
