import { request } from 'node:http';
import type { ContainerAddress } from './instance-provider.ts';

/** SageMaker's container contract: `GET /ping` answers 200 within two seconds. */
export const PING_TIMEOUT_MS = 2000;

/** True when the container answers `/ping` with 200 in time. Never rejects. */
export function ping({ host, port }: ContainerAddress, timeoutMs = PING_TIMEOUT_MS): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ host, port, path: '/ping', method: 'GET', agent: false, timeout: timeoutMs }, (answer) => {
      answer.resume();
      answer.once('close', () => resolve(answer.statusCode === 200));
    });
    call.once('timeout', () => call.destroy(new Error('ping timed out')));
    call.once('error', () => resolve(false));
    call.end();
  });
}

/** All containers of an instance answer. */
export async function isHealthy(containers: readonly ContainerAddress[]): Promise<boolean> {
  const answers = await Promise.all(containers.map((container) => ping(container)));
  return answers.every(Boolean);
}
