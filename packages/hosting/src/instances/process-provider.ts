import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { sleep } from '../clock.ts';
import type { Log } from '../log.ts';
import { ContainerLog, pruneLogs } from './container-log.ts';
import type { CpuAllocator } from './cpu-affinity.ts';
import { containerEnvironment, fillCommand } from './environment.ts';
import type { ImageCatalog } from './images.ts';
import type {
  ContainerAddress,
  ContainerSpec,
  Instance,
  InstanceExit,
  InstanceProvider,
  InstanceSpec,
} from './instance-provider.ts';
import type { ProcessTable } from './process-table.ts';

export interface ProcessProviderOptions {
  readonly images: ImageCatalog;
  readonly processes: ProcessTable;
  /** Holds one folder an endpoint. */
  readonly logDirectory: string;
  readonly region: string;
  readonly hostEnvironment: Readonly<Record<string, string | undefined>>;
  readonly cpus: CpuAllocator;
  readonly clock: Clock;
  readonly log: Log;
}

const HOST = '127.0.0.1';
const RECLAIM_GRACE_MS = 2000;

/** Asks the kernel for a port nobody uses. */
async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, HOST);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

interface RunningContainer {
  readonly address: ContainerAddress;
  readonly child: ChildProcess;
  readonly log: ContainerLog;
  readonly exited: Promise<InstanceExit>;
}

/** Containers have a process group of their own: a Ctrl-C meant for the host does not reach them, and their children end with them. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone already.
  }
}

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

/** On Linux the kernel ends the process when this one ends, however it does. Where setpriv is missing, the next host ends what is left over. */
function endingWithParent(command: readonly string[]): readonly string[] {
  return SETPRIV === undefined ? command : [SETPRIV, '--pdeathsig', 'KILL', '--', ...command];
}

/** Instances as child processes of the host, one for each container, on loopback ports. */
export class ProcessProvider implements InstanceProvider {
  readonly #options: ProcessProviderOptions;

  constructor(options: ProcessProviderOptions) {
    this.#options = options;
  }

  async reclaim(): Promise<void> {
    const { processes, clock, log } = this.#options;
    const left = processes.leftOver();
    for (const pid of left) {
      log.warn('ending an instance that an earlier host left behind', { pid });
      signalGroup(pid, 'SIGTERM');
    }
    for (let waitedMs = 0; waitedMs < RECLAIM_GRACE_MS && processes.leftOver().length > 0; waitedMs += 50) {
      await sleep(clock, 50);
    }
    for (const pid of processes.leftOver()) signalGroup(pid, 'SIGKILL');
    processes.clear();
  }

  async launch(spec: InstanceSpec): Promise<Instance> {
    const cpus = this.#options.cpus.take(spec.cpus);
    const containers: RunningContainer[] = [];
    try {
      for (const container of spec.containers) {
        containers.push(await this.#start(spec, container, cpus.wrap, cpus.cpus.length));
      }
    } catch (error) {
      await Promise.all(containers.map((container) => this.#end(container, 0)));
      cpus.release();
      throw error;
    }
    const exited = Promise.race(containers.map((container) => container.exited)).then(async (exit) => {
      await Promise.all(containers.map((container) => this.#end(container, 0)));
      cpus.release();
      return exit;
    });
    return {
      id: spec.instanceId,
      containers: containers.map((container) => container.address),
      exited,
      logTail: (name) => containers.find(({ address }) => address.name === name)?.log.tail() ?? [],
      stop: async (graceMs) => {
        await Promise.all(containers.map((container) => this.#end(container, graceMs)));
      },
    };
  }

  async #start(
    spec: InstanceSpec,
    container: ContainerSpec,
    wrap: (command: readonly string[]) => string[],
    cpus: number,
  ): Promise<RunningContainer> {
    const { images, logDirectory, region, hostEnvironment, processes, log } = this.#options;
    const port = await freePort();
    const options = { container, port, region, hostEnvironment, cpus };
    const command = fillCommand(images.resolve(container.image), options);
    if (command.length === 0) throw new Error(`the launch command for image '${container.image}' is empty`);
    const [program = '', ...args] = endingWithParent(wrap(command));
    const folder = join(logDirectory, spec.endpointName, spec.variantName);
    pruneLogs(folder);
    const suffix = spec.containers.length > 1 ? `-${container.name}` : '';
    const output = new ContainerLog(join(folder, `${spec.instanceId}${suffix}.log`));
    const child = spawn(program, args, {
      cwd: container.baseDirectory,
      env: containerEnvironment(options),
      detached: true,
      // The child's standard input closes with this process, however it ends.
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin?.on('error', () => undefined);
    child.stdout?.on('data', (chunk: Buffer) => output.write(chunk));
    child.stderr?.on('data', (chunk: Buffer) => output.write(chunk));
    const exited = new Promise<InstanceExit>((resolve) => {
      const settle = (code: number | null, signal: string | null): void => {
        if (child.pid !== undefined) {
          processes.remove(child.pid);
          // What the container started itself ends with it.
          signalGroup(child.pid, 'SIGKILL');
        }
        output.close();
        resolve({ containerName: container.name, code, signal, logTail: output.tail() });
      };
      child.once('error', (error) => {
        output.write(Buffer.from(`${error.message}\n`));
        if (child.pid === undefined) settle(null, null);
      });
      // 'close' comes after the last byte of output, 'exit' may come before it; a grandchild that holds the pipe must not delay the end.
      child.once('exit', (code, signal) => setImmediate(settle, code, signal));
    });
    if (child.pid !== undefined) processes.add(child.pid);
    log.info('container started', {
      endpoint: spec.endpointName,
      variant: spec.variantName,
      instance: spec.instanceId,
      container: container.name,
      pid: child.pid,
      port,
    });
    return { address: { name: container.name, host: HOST, port }, child, log: output, exited };
  }

  async #end({ child, exited }: RunningContainer, graceMs: number): Promise<void> {
    const { pid } = child;
    if (pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      await exited;
      return;
    }
    const cancel = this.#options.clock.setTimer(graceMs, () => signalGroup(pid, 'SIGKILL'));
    if (graceMs > 0) signalGroup(pid, 'SIGTERM');
    await exited;
    cancel();
  }
}
