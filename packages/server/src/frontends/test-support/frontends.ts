import type { TestContext } from 'node:test';
import type { Logger } from '../../inference/index.ts';
import type { LogSettings } from '../../observability/index.ts';
import { createHttpFrontend, type HttpFrontendOptions, type LogControl } from '../http/index.ts';
import { createSagemakerFrontend, type SagemakerFrontendOptions } from '../sagemaker/index.ts';
import type { FakeServer } from './fake-server.ts';

export const SILENT: Logger = { error() {}, warning() {}, info() {}, verbose() {} };

/** Log settings that nothing follows. */
export class FakeLogControl implements LogControl {
  settings: LogSettings = {
    infoEnabled: true,
    warningEnabled: true,
    errorEnabled: true,
    verboseLevel: 0,
    format: 'default',
    file: '',
  };

  configure(change: Partial<LogSettings>): void {
    this.settings = { ...this.settings, ...change };
  }
}

/** Starts an HTTP front end on a free port; it ends with the test. */
export async function startHttp(
  context: TestContext,
  server: FakeServer,
  options: Partial<HttpFrontendOptions> = {},
): Promise<number> {
  const frontend = createHttpFrontend(server, {
    host: '127.0.0.1',
    port: 0,
    log: SILENT,
    logControl: new FakeLogControl(),
    ...options,
  });
  const { port } = await frontend.listen();
  context.after(async () => {
    frontend.destroy();
    await frontend.close();
  });
  return port;
}

/** Starts a SageMaker front end on a free port; it ends with the test. */
export async function startSagemaker(
  context: TestContext,
  server: FakeServer,
  options: Partial<SagemakerFrontendOptions> = {},
): Promise<number> {
  const frontend = createSagemakerFrontend(server, {
    host: '127.0.0.1',
    port: 0,
    log: SILENT,
    settings: { pingMode: 'ready', defaultModelName: 'simple', inferenceType: 'infer' },
    ...options,
  });
  const { port } = await frontend.listen();
  context.after(async () => {
    frontend.destroy();
    await frontend.close();
  });
  return port;
}
