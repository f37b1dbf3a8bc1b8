export { IdentityBackend } from './backend.ts';
