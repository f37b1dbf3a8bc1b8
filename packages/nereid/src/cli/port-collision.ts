import { FlagError } from './flags/index.ts';

/** A front end that listens. */
export interface Listener {
  readonly service: 'HTTP' | 'GRPC' | 'metrics' | 'SageMaker';
  readonly address: string;
  /** 0: a free one, which collides with nothing. */
  readonly port: number;
  /** Ports that the others may use. */
  readonly safePortRange?: readonly [number, number];
}

/** Throws FlagError, with Triton's text, when two front ends want one port or one lies outside the range that another allows. */
export function checkPorts(listeners: readonly Listener[]): void {
  for (const [index, current] of listeners.entries()) {
    const range = current.safePortRange;
    for (const [otherIndex, other] of listeners.entries()) {
      if (other === current || !meet(current.address, other.address)) continue;
      if (range !== undefined && other.port !== 0 && (other.port < range[0] || other.port > range[1])) {
        throw new FlagError(
          `The server cannot listen to ${other.service} requests at port ${other.port}, allowed port range is [${range[0]}, ${range[1]}]`,
        );
      }
      if (current.port !== 0 && current.port === other.port && index < otherIndex) {
        throw new FlagError(
          `The server cannot listen to ${current.service} requests and ${other.service} requests at the same address and port ${current.address}:${current.port}`,
        );
      }
    }
  }
}

/** Whether one port at both addresses would be one socket: a wildcard address covers the others. */
function meet(first: string, second: string): boolean {
  const wildcard = (address: string) => address === '0.0.0.0' || address === '::';
  return first === second || wildcard(first) || wildcard(second);
}
