export { CpuAllocator, cpuShare } from './cpu-affinity.ts';
export { isHealthy } from './health.ts';
export { ImageCatalog, type LaunchCommand } from './images.ts';
export type {
  ContainerAddress,
  ContainerSpec,
  Instance,
  InstanceExit,
  InstanceProvider,
  InstanceSpec,
} from './instance-provider.ts';
export { ProcessProvider } from './process-provider.ts';
export { ProcessTable } from './process-table.ts';
export { InstanceStartError, InstanceSupervisor } from './supervisor.ts';
