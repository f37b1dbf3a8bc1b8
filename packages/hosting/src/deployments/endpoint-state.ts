/** `EndpointStatus` of SageMaker. */
export const ENDPOINT_STATUSES = [
  'OutOfService',
  'Creating',
  'Updating',
  'SystemUpdating',
  'RollingBack',
  'InService',
  'Deleting',
  'Failed',
  'UpdateRollbackFailed',
] as const;

export type EndpointStatus = (typeof ENDPOINT_STATUSES)[number];

/** What can happen to an endpoint. */
export type EndpointEvent =
  /** The first fleet is healthy, or an update or recovery is done. */
  | 'ready'
  /** The first fleet could not be started, or an update went wrong. */
  | 'failed'
  /** The old fleet serves alone again. */
  | 'rolled-back'
  /** UpdateEndpoint or UpdateEndpointWeightsAndCapacities was accepted. */
  | 'update'
  /** The host has started and finds the endpoint in its data directory. */
  | 'restart'
  /** DeleteEndpoint was accepted. */
  | 'delete';

/**
 * ```
 *            ready                 update
 * Creating ─────────► InService ──────────► Updating ──ready──► InService
 *    │ failed             │ ▲                   │ failed
 *    ▼            restart │ │ ready             ▼
 *  Failed                 ▼ │              RollingBack ──rolled-back──► InService
 *                    SystemUpdating
 * ```
 * `delete` leads to Deleting from everywhere but Deleting itself. An event that is not in the table is refused.
 */
const TRANSITIONS: Readonly<Record<EndpointStatus, Partial<Readonly<Record<EndpointEvent, EndpointStatus>>>>> = {
  Creating: { ready: 'InService', failed: 'Failed', restart: 'Creating', delete: 'Deleting' },
  InService: { update: 'Updating', restart: 'SystemUpdating', delete: 'Deleting' },
  Updating: { ready: 'InService', failed: 'RollingBack', restart: 'Updating', delete: 'Deleting' },
  RollingBack: {
    'rolled-back': 'InService',
    failed: 'UpdateRollbackFailed',
    restart: 'RollingBack',
    delete: 'Deleting',
  },
  SystemUpdating: { ready: 'InService', restart: 'SystemUpdating', delete: 'Deleting' },
  Failed: { restart: 'Failed', delete: 'Deleting' },
  UpdateRollbackFailed: { update: 'Updating', restart: 'SystemUpdating', delete: 'Deleting' },
  OutOfService: { update: 'Updating', restart: 'OutOfService', delete: 'Deleting' },
  Deleting: { restart: 'Deleting' },
};

/** The status after `event`; undefined when the event cannot happen in `status`. */
export function nextStatus(status: EndpointStatus, event: EndpointEvent): EndpointStatus | undefined {
  return TRANSITIONS[status][event];
}
