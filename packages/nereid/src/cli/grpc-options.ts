import type { ServerOptions } from '@nereid/server';
import type { FlagValues } from './flags/index.ts';

/** The gRPC front end from its flags; nothing with `--allow-grpc=false`. */
export function grpcOptions(values: FlagValues): Pick<ServerOptions, 'grpc'> {
  if (!values['allow-grpc']) return {};
  return {
    grpc: {
      host: values['grpc-address'],
      port: values['grpc-port'],
      reusePort: values['reuse-grpc-port'],
      restrictions: values['grpc-restricted-protocol'],
      headerForwardPattern: values['grpc-header-forward-pattern'],
      compressionLevel: values['grpc-infer-response-compression-level'],
      keepAlive: {
        timeMs: values['grpc-keepalive-time'],
        timeoutMs: values['grpc-keepalive-timeout'],
        permitWithoutCalls: values['grpc-keepalive-permit-without-calls'],
        maxPingsWithoutData: values['grpc-http2-max-pings-without-data'],
        minReceivedPingIntervalMs: values['grpc-http2-min-recv-ping-interval-without-data'],
        maxPingStrikes: values['grpc-http2-max-ping-strikes'],
        maxConnectionAgeMs: values['grpc-max-connection-age'],
        maxConnectionAgeGraceMs: values['grpc-max-connection-age-grace'],
      },
      // As in Triton, asking for client certificates asks for TLS.
      ...(values['grpc-use-ssl'] || values['grpc-use-ssl-mutual']
        ? {
            tls: {
              certificateFile: values['grpc-server-cert'],
              keyFile: values['grpc-server-key'],
              rootFile: values['grpc-root-cert'],
              mutual: values['grpc-use-ssl-mutual'],
            },
          }
        : {}),
    },
  };
}
