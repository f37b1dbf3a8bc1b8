import type { DeploymentConfig } from '../service-model/index.ts';
import type { Database } from '../store/index.ts';
import type { Deployment, PendingChange } from './deployment.ts';
import { type EndpointEvent, type EndpointStatus, nextStatus } from './endpoint-state.ts';

export interface EndpointRecord {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly status: EndpointStatus;
  readonly configName: string;
  readonly failureReason: string | undefined;
  /** What serves; undefined until the endpoint has been in service once. */
  readonly active: Deployment | undefined;
  readonly pending: PendingChange | undefined;
  readonly lastDeploymentConfig: DeploymentConfig | undefined;
}

/** `null` clears a member, leaving it out keeps it. */
export interface EndpointChanges {
  readonly configName?: string;
  readonly failureReason?: string | null;
  readonly active?: Deployment;
  readonly pending?: PendingChange | null;
  readonly lastDeploymentConfig?: DeploymentConfig;
}

interface Row {
  name: string;
  arn: string;
  created_ms: number;
  modified_ms: number;
  status: EndpointStatus;
  config_name: string;
  failure_reason: string | null;
  active: string | null;
  pending: string | null;
  last_deployment_config: string | null;
}

function parsed<Value>(text: string | null): Value | undefined {
  return text === null ? undefined : (JSON.parse(text) as Value);
}

function fromRow(row: Row): EndpointRecord {
  return {
    name: row.name,
    arn: row.arn,
    createdMs: row.created_ms,
    modifiedMs: row.modified_ms,
    status: row.status,
    configName: row.config_name,
    failureReason: row.failure_reason ?? undefined,
    active: parsed<Deployment>(row.active),
    pending: parsed<PendingChange>(row.pending),
    lastDeploymentConfig: parsed<DeploymentConfig>(row.last_deployment_config),
  };
}

const MAX_REASON_CHARS = 1024;

/** An event came in a status that does not know it. */
export class TransitionError extends Error {
  readonly status: EndpointStatus;

  constructor(name: string, status: EndpointStatus, event: EndpointEvent) {
    super(`endpoint '${name}': '${event}' cannot happen while it is ${status}`);
    this.status = status;
  }
}

/** Endpoints on disk: every step of an endpoint's life is written here before anything acts on it. */
export class EndpointRecords {
  readonly #database: Database;
  readonly #now: () => number;

  constructor(database: Database, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  get(name: string): EndpointRecord | undefined {
    const row = this.#database.get<Row>('SELECT * FROM endpoints WHERE name = ?', name);
    return row && fromRow(row);
  }

  all(): EndpointRecord[] {
    return this.#database.all<Row>('SELECT * FROM endpoints ORDER BY created_ms, name').map(fromRow);
  }

  insert(name: string, arn: string, pending: PendingChange & { kind: 'create' }): void {
    const now = this.#now();
    this.#database.run(
      'INSERT INTO endpoints (name, arn, created_ms, modified_ms, status, config_name, pending) VALUES (?, ?, ?, ?, ?, ?, ?)',
      name,
      arn,
      now,
      now,
      'Creating',
      pending.deployment.config.EndpointConfigName,
      JSON.stringify(pending),
    );
  }

  /** Moves an endpoint on and writes what goes with it. Throws TransitionError. */
  transition(name: string, event: EndpointEvent, changes: EndpointChanges = {}): EndpointRecord {
    return this.#database.transaction(() => {
      const record = this.get(name);
      if (!record) throw new Error(`endpoint '${name}' does not exist`);
      const status = nextStatus(record.status, event);
      if (status === undefined) throw new TransitionError(name, record.status, event);
      // A restart is the host's business: LastModifiedTime tells what users did.
      const modifiedMs = event === 'restart' ? record.modifiedMs : this.#now();
      return this.#write({ ...record, status, modifiedMs }, changes);
    });
  }

  /** Writes members without a change of status. */
  amend(name: string, changes: EndpointChanges): void {
    this.#database.transaction(() => {
      const record = this.get(name);
      if (record) this.#write(record, changes);
    });
  }

  remove(name: string): void {
    this.#database.transaction(() => {
      const arn = this.get(name)?.arn;
      if (arn !== undefined) this.#database.run('DELETE FROM tags WHERE resource_arn = ?', arn);
      this.#database.run('DELETE FROM endpoints WHERE name = ?', name);
    });
  }

  #write(record: EndpointRecord, changes: EndpointChanges): EndpointRecord {
    const reason = changes.failureReason === undefined ? record.failureReason : (changes.failureReason ?? undefined);
    const next: EndpointRecord = {
      ...record,
      configName: changes.configName ?? record.configName,
      failureReason: reason?.slice(0, MAX_REASON_CHARS),
      active: changes.active ?? record.active,
      pending: changes.pending === undefined ? record.pending : (changes.pending ?? undefined),
      lastDeploymentConfig: changes.lastDeploymentConfig ?? record.lastDeploymentConfig,
    };
    this.#database.run(
      'UPDATE endpoints SET modified_ms = ?, status = ?, config_name = ?, failure_reason = ?, active = ?, pending = ?, last_deployment_config = ? WHERE name = ?',
      next.modifiedMs,
      next.status,
      next.configName,
      next.failureReason ?? null,
      next.active === undefined ? null : JSON.stringify(next.active),
      next.pending === undefined ? null : JSON.stringify(next.pending),
      next.lastDeploymentConfig === undefined ? null : JSON.stringify(next.lastDeploymentConfig),
      next.name,
    );
    return next;
  }
}
