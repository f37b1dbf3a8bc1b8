import { invalidArgument } from '../errors/index.ts';

/** Where a gRPC server is, in grpc-js's words. */
export interface GrpcAddress {
  readonly target: string;
  readonly secure: boolean;
}

/** `localhost:8001`, a `grpc:`, `grpcs:`, `http:` or `https:` URL of host and port, or a target such as `unix:/run/nereid.sock`. */
export function parseAddress(url: string): GrpcAddress {
  const [, scheme, rest] = /^(grpcs?|https?):\/\/(.*)$/.exec(url) ?? [];
  const target = (rest ?? url).replace(/\/$/, '');
  const ownScheme = scheme === undefined && /^(unix|dns|ipv4|ipv6):/.test(target);
  if (target === '' || (!ownScheme && target.includes('/'))) {
    throw invalidArgument(`'${url}' is no address of a gRPC server, expected one like localhost:8001`);
  }
  return { target, secure: scheme === 'grpcs' || scheme === 'https' };
}
