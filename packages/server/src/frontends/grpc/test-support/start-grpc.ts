import type { TestContext } from 'node:test';
import type { InferenceServer } from '../../../inference/index.ts';
import type { LogControl } from '../../http/index.ts';
import type { Frontend } from '../../wire/index.ts';
import { createGrpcFrontend, type GrpcFrontendOptions } from '../index.ts';

/** Log settings that nothing follows. */
export class FakeLogControl implements LogControl {
  settings: LogControl['settings'] = {
    file: '',
    infoEnabled: true,
    warningEnabled: true,
    errorEnabled: true,
    verboseLevel: 0,
    format: 'default',
  };

  configure(change: Partial<LogControl['settings']>): void {
    this.settings = { ...this.settings, ...change };
  }
}

/** Starts a gRPC front end on a free port; it ends with the test. */
export async function startGrpc(
  context: TestContext,
  server: InferenceServer,
  options: Partial<GrpcFrontendOptions> = {},
): Promise<{ readonly port: number; readonly frontend: Frontend }> {
  const frontend = createGrpcFrontend(server, {
    host: '127.0.0.1',
    port: 0,
    logControl: new FakeLogControl(),
    ...options,
  });
  const { port } = await frontend.listen();
  context.after(async () => {
    const closed = frontend.close();
    frontend.destroy();
    await closed;
  });
  return { port, frontend };
}
