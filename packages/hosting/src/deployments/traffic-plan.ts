import type { DeploymentConfig, TrafficSize } from '../service-model/index.ts';

/** One step of moving traffic from the old fleet to the new one. */
export interface TrafficStep {
  /** Of all requests, 0 to 1. */
  readonly share: number;
  /** Time to watch before the next step. */
  readonly waitMs: number;
}

export interface TrafficPlan {
  readonly steps: readonly TrafficStep[];
  /** Time between the last step and the end of the old fleet. */
  readonly terminationWaitMs: number;
  /** The whole update takes longer: it is rolled back. */
  readonly timeoutMs: number | undefined;
}

function shareOf(size: TrafficSize | undefined, instances: number): number {
  if (!size) return 1;
  const share = size.Type === 'INSTANCE_COUNT' ? size.Value / Math.max(1, instances) : size.Value / 100;
  return Math.min(Math.max(share, 0.01), 1);
}

/**
 * AWS's deployment guardrails as steps: ALL_AT_ONCE in one, CANARY in two, LINEAR in equal ones, each followed by the wait interval. Without a policy
 * (and for rolling updates, which need no second fleet's worth of instances on AWS) all traffic moves at once. `instances` is the size of the new fleet.
 */
export function trafficPlan(config: DeploymentConfig | undefined, instances: number): TrafficPlan {
  const policy = config?.BlueGreenUpdatePolicy;
  const timeoutS =
    policy?.MaximumExecutionTimeoutInSeconds ?? config?.RollingUpdatePolicy?.MaximumExecutionTimeoutInSeconds;
  const timeoutMs = timeoutS === undefined ? undefined : timeoutS * 1000;
  if (!policy) return { steps: [{ share: 1, waitMs: 0 }], terminationWaitMs: 0, timeoutMs };
  const routing = policy.TrafficRoutingConfiguration;
  const waitMs = routing.WaitIntervalInSeconds * 1000;
  const shares =
    routing.Type === 'CANARY' ? canaryShares(routing.CanarySize, instances) : linearShares(routing, instances);
  return {
    steps: shares.map((share) => ({ share, waitMs })),
    terminationWaitMs: (policy.TerminationWaitInSeconds ?? 0) * 1000,
    timeoutMs,
  };
}

function canaryShares(size: TrafficSize | undefined, instances: number): number[] {
  const share = shareOf(size, instances);
  return share < 1 ? [share, 1] : [1];
}

function linearShares(
  { Type, LinearStepSize }: { Type: string; LinearStepSize?: TrafficSize },
  instances: number,
): number[] {
  if (Type !== 'LINEAR') return [1];
  const step = shareOf(LinearStepSize, instances);
  const count = Math.ceil(1 / step - 1e-9);
  return Array.from({ length: count }, (_, index) => (index === count - 1 ? 1 : step * (index + 1)));
}
