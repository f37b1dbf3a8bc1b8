/** Where a path of the container contract leads. `model` is '' when the path names none. */
export type SagemakerRoute =
  | { readonly kind: 'ping' }
  | { readonly kind: 'invocations' }
  | { readonly kind: 'models'; readonly model: string; readonly invoke: boolean };

const MODELS = /^\/models\/?([^/]+)?(\/invoke)?$/;

/** Where `path` leads; undefined for a path that is not served (400 here, not 404). */
export function findSagemakerRoute(path: string): SagemakerRoute | undefined {
  if (path === '/invocations') return { kind: 'invocations' };
  if (path === '/ping') return { kind: 'ping' };
  const match = MODELS.exec(path);
  if (match === null) return undefined;
  return { kind: 'models', model: match[1] ?? '', invoke: match[2] !== undefined };
}
