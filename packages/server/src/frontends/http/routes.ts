/** What may stand behind a model's name and version in a path. */
export type ModelAction =
  | 'infer'
  | 'generate'
  | 'generate_stream'
  | 'ready'
  | 'config'
  | 'stats'
  | 'metadata'
  | 'trace/setting';

/** Where a path leads. `version` is '' when the path names none; `repository` and `region` likewise. */
export type Route =
  | { readonly kind: 'model'; readonly action: ModelAction; readonly model: string; readonly version: string }
  | { readonly kind: 'serverMetadata' }
  | { readonly kind: 'health'; readonly probe: 'live' | 'ready' }
  | { readonly kind: 'statistics' }
  | { readonly kind: 'logging' }
  | { readonly kind: 'trace' }
  | { readonly kind: 'index' }
  | {
      readonly kind: 'control';
      readonly repository: string;
      readonly model: string;
      readonly action: 'load' | 'unload';
    }
  | {
      readonly kind: 'sharedMemory';
      readonly memory: 'system' | 'cuda';
      readonly region: string;
      readonly action: 'status' | 'register' | 'unregister';
    };

const MODELS = '/v2/models/';
const REPOSITORY = '/v2/repository/';
const FIXED: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/v2', { kind: 'serverMetadata' }],
  ['/v2/health/live', { kind: 'health', probe: 'live' }],
  ['/v2/health/ready', { kind: 'health', probe: 'ready' }],
  // In front of the models: one called "stats" has no metadata route.
  ['/v2/models/stats', { kind: 'statistics' }],
  ['/v2/logging', { kind: 'logging' }],
  ['/v2/trace/setting', { kind: 'trace' }],
]);
const MODEL_ACTIONS: ReadonlySet<string> = new Set([
  'infer',
  'generate',
  'generate_stream',
  'ready',
  'config',
  'stats',
  'trace/setting',
]);

/** Where `path` leads; undefined for a path that is not served. A trailing slash is one too many. */
export function findRoute(path: string): Route | undefined {
  const fixed = FIXED.get(path);
  if (fixed !== undefined) return fixed;
  if (path.startsWith(MODELS)) return modelRoute(path);
  if (path.startsWith(REPOSITORY)) return repositoryRoute(path.slice(REPOSITORY.length).split('/'));
  return sharedMemoryRoute(path.split('/'));
}

function modelRoute(path: string): Route | undefined {
  const nameEnd = path.indexOf('/', MODELS.length);
  const model = nameEnd < 0 ? path.slice(MODELS.length) : path.slice(MODELS.length, nameEnd);
  if (model === '') return undefined;
  if (nameEnd < 0) return { kind: 'model', action: 'metadata', model, version: '' };
  let rest = path.slice(nameEnd + 1);
  let version = '';
  if (rest.startsWith('versions/')) {
    const versionEnd = rest.indexOf('/', 9);
    version = versionEnd < 0 ? rest.slice(9) : rest.slice(9, versionEnd);
    if (!isDigits(version)) return undefined;
    if (versionEnd < 0) return { kind: 'model', action: 'metadata', model, version };
    rest = rest.slice(versionEnd + 1);
  }
  if (!MODEL_ACTIONS.has(rest) || (rest === 'trace/setting' && version !== '')) return undefined;
  return { kind: 'model', action: rest as ModelAction, model, version };
}

function isDigits(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) return false;
  }
  return text !== '';
}

/** `[<repository>/]index` or `[<repository>/]models/<model>/(load|unload)` */
function repositoryRoute(parts: readonly string[]): Route | undefined {
  const last = parts.at(-1);
  if (last === 'index' && (parts.length === 1 || (parts.length === 2 && parts[0] !== ''))) return { kind: 'index' };
  if (last !== 'load' && last !== 'unload') return undefined;
  const [model, models, repository, ...more] = parts.slice(0, -1).reverse();
  if (model === undefined || model === '' || models !== 'models' || repository === '' || more.length > 0) {
    return undefined;
  }
  return { kind: 'control', repository: repository ?? '', model, action: last };
}

/** `/v2/(system|cuda)sharedmemory[/region/<region>]/(status|register|unregister)` */
function sharedMemoryRoute(parts: readonly string[]): Route | undefined {
  const [empty, v2, kind, ...rest] = parts;
  if (empty !== '' || v2 !== 'v2') return undefined;
  const memory = kind === 'systemsharedmemory' ? 'system' : kind === 'cudasharedmemory' ? 'cuda' : undefined;
  const action = rest.at(-1);
  if (memory === undefined || (action !== 'status' && action !== 'register' && action !== 'unregister')) {
    return undefined;
  }
  if (rest.length === 1) return { kind: 'sharedMemory', memory, region: '', action };
  const [word, region = ''] = rest;
  if (rest.length !== 3 || word !== 'region' || region === '') return undefined;
  return { kind: 'sharedMemory', memory, region, action };
}
