export { AsyncInvocations } from './async-invocations.ts';
export { Invoker } from './invoker.ts';
export { MultiModelLoader } from './multi-model.ts';
export { RuntimeService } from './runtime-service.ts';
export { Upstream } from './upstream.ts';
