import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findRoute } from './routes.ts';

test("paths lead where Triton's do", () => {
  const model = (action: string, name = 'm', version = '') => ({ kind: 'model', action, model: name, version });
  const routes: readonly (readonly [string, unknown])[] = [
    ['/v2', { kind: 'serverMetadata' }],
    ['/v2/health/live', { kind: 'health', probe: 'live' }],
    ['/v2/models/m', model('metadata')],
    ['/v2/models/m/versions/3', model('metadata', 'm', '3')],
    ['/v2/models/m/infer', model('infer')],
    ['/v2/models/m/versions/01/infer', model('infer', 'm', '01')],
    ['/v2/models/versions/versions/2/config', model('config', 'versions', '2')],
    ['/v2/models/m/generate_stream', model('generate_stream')],
    ['/v2/models/m/trace/setting', model('trace/setting')],
    ['/v2/models/stats', { kind: 'statistics' }],
    ['/v2/models/stats/infer', model('infer', 'stats')],
    ['/v2/models/a%2fb/ready', model('ready', 'a%2fb')],
    ['/v2/repository/index', { kind: 'index' }],
    ['/v2/repository/r/index', { kind: 'index' }],
    ['/v2/repository/models/m/load', { kind: 'control', repository: '', model: 'm', action: 'load' }],
    ['/v2/repository/r/models/m/unload', { kind: 'control', repository: 'r', model: 'm', action: 'unload' }],
    ['/v2/systemsharedmemory/status', { kind: 'sharedMemory', memory: 'system', region: '', action: 'status' }],
    [
      '/v2/cudasharedmemory/region/r/register',
      { kind: 'sharedMemory', memory: 'cuda', region: 'r', action: 'register' },
    ],
    ['/v2/logging', { kind: 'logging' }],
    ['/v2/trace/setting', { kind: 'trace' }],
  ];
  for (const [path, route] of routes) assert.deepEqual(findRoute(path), route, path);
});

test('everything else leads nowhere', () => {
  const paths = [
    '',
    '/',
    '/v1',
    '/v2/',
    '//v2',
    '/v2/health',
    '/v2/health/foo',
    '/v2/models',
    '/v2/models/',
    '/v2/models/m/',
    '/v2/models/m/foo',
    '/v2/models/m/ready/',
    '/v2/models/m/versions',
    '/v2/models/m/versions/',
    '/v2/models/m/versions/x',
    '/v2/models/m/versions/-1',
    '/v2/models/m/versions/1/',
    '/v2/models/m/versions/1/trace/setting',
    '/v2/models//infer',
    '/v2/models/../../etc/passwd',
    '/v2/repository',
    '/v2/repository/index/',
    '/v2/repository/models/load',
    '/v2/repository/models//load',
    '/v2/repository/a/b/models/m/load',
    '/v2/systemsharedmemory/region//status',
    '/v2/systemsharedmemory/region/r/foo',
    '/v2/sharedmemory/status',
    'http://host/v2',
  ];
  for (const path of paths) assert.equal(findRoute(path), undefined, path);
});

test('any path is decided, and names are never decoded', () => {
  const part = fc.constantFrom(
    'v2',
    'models',
    'm',
    '..',
    '%2e%2e',
    '%252e',
    'versions',
    '1',
    'infer',
    '',
    'repository',
    'load',
    'region',
    'index',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const path = `/${parts.join('/')}`;
      const route = findRoute(path);
      if (route?.kind === 'model' || route?.kind === 'control') assert.ok(path.includes(route.model));
    }),
  );
});
