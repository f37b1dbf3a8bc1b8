import { randomUUID } from 'node:crypto';
import { type Clock, sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { failureSummary } from './container-log.ts';
import type { ContainerAddress, Instance, InstanceExit, InstanceProvider, InstanceSpec } from './instance-provider.ts';
import { RestartDelay } from './restart-delay.ts';

/** An instance did not come up. The message is fit for `FailureReason`. */
export class InstanceStartError extends Error {}

export interface SupervisorOptions {
  readonly provider: InstanceProvider;
  /** Everything but the id: each start is an instance of its own. */
  readonly spec: () => Omit<InstanceSpec, 'instanceId'>;
  readonly isHealthy: (containers: readonly ContainerAddress[]) => Promise<boolean>;
  /** Time for `/ping` to pass after a start (ContainerStartupHealthCheckTimeoutInSeconds). */
  readonly startTimeoutMs: number;
  /** SIGKILL follows SIGTERM after this. */
  readonly stopGraceMs: number;
  /** Keep trying when the first start fails, as for an endpoint that has been in service before. */
  readonly persistent: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** The instance may be sent requests. */
  readonly onHealthy: (instance: Instance) => void;
  /** The instance may not be sent requests any more; resolves when those it has are done (at once when it is dead). */
  readonly onDown: (instance: Instance, isDead: boolean) => Promise<void>;
}

const START_POLL_MS = 20;
const MAX_START_POLL_MS = 250;
const CHECK_INTERVAL_MS = 5000;
const MAX_FAILED_CHECKS = 3;
const MAX_REASON_CHARS = 900;

type Outcome = { readonly kind: 'stopped' } | { readonly kind: 'down'; readonly why: string; readonly isDead: boolean };

/**
 * Keeps one instance of a variant alive: starts it, waits for `/ping`, watches it, starts it again (with growing delays) when it dies or hangs.
 * `starting → healthy → (down → waiting → starting → …) → stopped`.
 */
export class InstanceSupervisor {
  readonly #options: SupervisorOptions;
  readonly #stop = new AbortController();
  readonly #delay = new RestartDelay();
  #running: Promise<void> | undefined;
  #isHealthy = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get healthy(): boolean {
    return this.#isHealthy;
  }

  /** Resolves when the instance is healthy for the first time, or was stopped. Rejects with InstanceStartError unless `persistent`. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#running = this.#run(resolve).then(resolve, reject);
    });
  }

  /** Drains and ends the instance; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(onFirstHealthy: () => void): Promise<void> {
    const { clock, log, persistent } = this.#options;
    let wasHealthy = false;
    while (!this.#stop.signal.aborted) {
      let healthySince: number | undefined;
      const outcome = await this.#live(() => {
        healthySince = clock.now();
        wasHealthy = true;
        onFirstHealthy();
      });
      if (outcome.kind === 'stopped') return;
      if (!wasHealthy && !persistent) throw new InstanceStartError(outcome.why);
      const healthyMs = healthySince === undefined ? 0 : Math.max(1, clock.now() - healthySince);
      const delayMs = this.#delay.next(healthyMs);
      const { endpointName, variantName } = this.#options.spec();
      log.warn('instance is down', {
        endpoint: endpointName,
        variant: variantName,
        why: outcome.why,
        restartInMs: delayMs,
      });
      if (delayMs > 0) await sleep(clock, delayMs, this.#stop.signal);
    }
  }

  /** One instance from its start to its end. */
  async #live(onHealthy: () => void): Promise<Outcome> {
    const { provider, spec, stopGraceMs } = this.#options;
    let instance: Instance;
    try {
      instance = await provider.launch({ ...spec(), instanceId: `i-${randomUUID().replaceAll('-', '').slice(0, 17)}` });
    } catch (error) {
      return { kind: 'down', why: `The container could not be started: ${messageOf(error)}`, isDead: true };
    }
    const down = new AbortController();
    const ended = instance.exited.then((exit): Outcome => {
      down.abort();
      return { kind: 'down', why: exitReason(exit), isDead: true };
    });
    let outcome = await Promise.race([ended, this.#becomeHealthy(instance, down.signal)]);
    if (outcome === undefined) {
      this.#isHealthy = true;
      this.#options.onHealthy(instance);
      onHealthy();
      outcome = await Promise.race([ended, this.#watch(instance, down.signal)]);
      this.#isHealthy = false;
      await this.#options.onDown(instance, outcome.kind === 'down' && outcome.isDead);
    }
    await instance.stop(outcome.kind === 'stopped' ? stopGraceMs : 0);
    return outcome;
  }

  /** undefined once `/ping` passes. */
  async #becomeHealthy(instance: Instance, down: AbortSignal): Promise<Outcome | undefined> {
    const { clock, isHealthy, startTimeoutMs } = this.#options;
    const deadline = clock.now() + startTimeoutMs;
    const wake = AbortSignal.any([down, this.#stop.signal]);
    for (let pollMs = START_POLL_MS; !wake.aborted; pollMs = Math.min(pollMs * 1.5, MAX_START_POLL_MS)) {
      if (await isHealthy(instance.containers)) return undefined;
      if (clock.now() >= deadline) return this.#timedOut(instance);
      await sleep(clock, pollMs, wake);
    }
    return this.#stop.signal.aborted ? { kind: 'stopped' } : neverSettles();
  }

  async #watch(instance: Instance, down: AbortSignal): Promise<Outcome> {
    const { clock, isHealthy } = this.#options;
    const wake = AbortSignal.any([down, this.#stop.signal]);
    let failed = 0;
    for (;;) {
      await sleep(clock, CHECK_INTERVAL_MS, wake);
      if (this.#stop.signal.aborted) return { kind: 'stopped' };
      if (down.aborted) return neverSettles();
      failed = (await isHealthy(instance.containers)) ? 0 : failed + 1;
      if (failed >= MAX_FAILED_CHECKS && !wake.aborted) {
        return { kind: 'down', why: `${failed} health checks in a row failed`, isDead: false };
      }
    }
  }

  #timedOut(instance: Instance): Outcome {
    const seconds = Math.round(this.#options.startTimeoutMs / 1000);
    const tail = instance.containers.flatMap((container) => instance.logTail(container.name));
    const log = failureSummary(tail, MAX_REASON_CHARS);
    const end = log === '' ? '' : ` Its log says: ${log}`;
    return { kind: 'down', why: `No answer to /ping within ${seconds} s.${end}`, isDead: false };
  }
}

/** The other side of the race has the answer. */
function neverSettles(): Promise<never> {
  return new Promise(() => undefined);
}

function exitReason({ containerName, code, signal, logTail }: InstanceExit): string {
  const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
  const log = failureSummary(logTail, MAX_REASON_CHARS);
  return `Container ${containerName} ${how}.${log === '' ? '' : ` Its log says: ${log}`}`;
}
