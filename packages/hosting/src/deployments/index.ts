export {
  createDeployment,
  type DeployedVariant,
  type Deployment,
  imagesOf,
  instanceCount,
  type VariantTarget,
  withTargets,
} from './deployment.ts';
export { EndpointManager, plannedInstances } from './endpoint-manager.ts';
export { type EndpointRecord, EndpointRecords, TransitionError } from './endpoint-records.ts';
export type { EndpointStatus } from './endpoint-state.ts';
export type { FleetEnvironment } from './fleet.ts';
