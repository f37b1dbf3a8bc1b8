export { CredentialsError } from './credentials.ts';
export { createHost, type Host, type RunningHost } from './host.ts';
export { type HostFlag, hostFlags, hostOptionsFrom } from './host-flags.ts';
export { HostOptionError } from './host-option-error.ts';
export type { HostOptions } from './host-options.ts';
export type { Instance, InstanceProvider, InstanceSpec, LaunchCommand } from './instances/index.ts';
export { StoreError } from './store/index.ts';
