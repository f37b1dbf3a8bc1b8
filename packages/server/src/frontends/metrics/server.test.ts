import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call } from '../test-support/http-client.ts';
import { createMetricsFrontend } from './server.ts';

test('the page is at /metrics, other paths are empty', async (context) => {
  const frontend = createMetricsFrontend({ host: '127.0.0.1', port: 0, page: () => 'a_metric 1\n' });
  const { port } = await frontend.listen();
  context.after(() => frontend.close());
  context.after(() => frontend.destroy());
  for (const path of ['/metrics', '/metrics/']) {
    const page = await call(port, path);
    assert.deepEqual(
      [page.status, page.text, page.headers['content-type']],
      [200, 'a_metric 1\n', 'text/plain; charset=utf-8'],
    );
  }
  const other = await call(port, '/foo');
  assert.deepEqual([other.status, other.text], [200, '']);
  assert.equal((await call(port, '/metrics', { method: 'POST' })).status, 405);
});
