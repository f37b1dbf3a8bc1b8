import type { IncomingMessage, ServerResponse } from 'node:http';
import { StatusError } from '@nereid/protocol';
import type { Frontend } from '../wire/frontend.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from '../wire/limits.ts';
import { HttpListener, type HttpListenOptions } from '../wire/listener.ts';
import { pathOf } from '../wire/path.ts';
import { methodNotAllowed, send, sendEmpty, sendError } from '../wire/reply.ts';

export interface MetricsFrontendOptions extends HttpListenOptions {
  /** The page in Prometheus' text format. */
  readonly page: () => string | Promise<string>;
  readonly limits?: Partial<HttpLimits> | undefined;
}

const PAGE_TYPE = 'text/plain; charset=utf-8';

/** The metrics port: `/metrics` (and `/metrics/`) is the page, any other path an empty one. */
export function createMetricsFrontend(options: MetricsFrontendOptions): Frontend {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  return new HttpListener(options, limits, { apiOf: () => 'metrics', handle: (req, res) => answer(options, req, res) });
}

function answer(options: MetricsFrontendOptions, req: IncomingMessage, res: ServerResponse): void {
  if (req.method !== 'GET') {
    methodNotAllowed(res);
    return;
  }
  const path = pathOf(req.url ?? '');
  if (path !== '/metrics' && path !== '/metrics/') {
    sendEmpty(res, 200, PAGE_TYPE);
    return;
  }
  Promise.resolve()
    .then(options.page)
    .then(
      (page) => send(res, 200, ['Content-Type', PAGE_TYPE], Buffer.from(page)),
      (error: unknown) => sendError(res, StatusError.from(error)),
    );
}
