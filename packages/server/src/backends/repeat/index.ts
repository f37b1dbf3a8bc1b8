export { RepeatBackend } from './backend.ts';
