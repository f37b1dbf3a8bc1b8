/** Where a container listens. */
export interface ContainerAddress {
  /** `primary`, the container's host name, or `container-1`, `container-2`, …: what error messages call it. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** One container of an instance: the SageMaker container contract is all that the host and the model server share. */
export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  /** From the model's definition. */
  readonly environment: Readonly<Record<string, string>>;
  /** Holds `model/` (a single model) or `models/<hash>/model/` (several): what a container calls `/opt/ml`. */
  readonly baseDirectory: string;
  readonly multiModel: boolean;
}

export interface InstanceSpec {
  readonly instanceId: string;
  readonly endpointName: string;
  readonly variantName: string;
  readonly containers: readonly ContainerSpec[];
  /** Processor cores that the instance may use. */
  readonly cpus: number;
}

/** How an instance came to its end. */
export interface InstanceExit {
  readonly containerName: string;
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of the container's output. */
  readonly logTail: readonly string[];
}

/** A running instance. Not yet known to be healthy: that is for the supervisor to find out. */
export interface Instance {
  readonly id: string;
  readonly containers: readonly ContainerAddress[];
  /** Settles when any container has ended; the rest is ended with it. */
  readonly exited: Promise<InstanceExit>;
  /** The latest lines that a container wrote. */
  logTail(containerName: string): readonly string[];
  /** SIGTERM, after `graceMs` SIGKILL. Resolves when nothing of the instance runs any more. */
  stop(graceMs: number): Promise<void>;
}

/** Makes instances. The one here starts child processes; another may ask a cluster for them. */
export interface InstanceProvider {
  /** Ends what an earlier host, killed before it could, has left running. Called once, before anything is launched. */
  reclaim(): Promise<void>;
  /** Resolves when the processes exist; throws when they cannot be started. */
  launch(spec: InstanceSpec): Promise<Instance>;
}
