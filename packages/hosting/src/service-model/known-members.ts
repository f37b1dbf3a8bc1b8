import type { ServiceModel } from './service-model.ts';

/**
 * A copy of a checked input with the members that the model knows: what clients of a newer API add, and members that are `null`, are left out. The
 * result is no deeper than the model is.
 */
export function knownMembers(model: ServiceModel, shapeName: string, value: unknown): unknown {
  const shape = model.shapes[shapeName];
  if (!shape) throw new Error(`the service model has no shape ${shapeName}`);
  const copy = (name: string | undefined, member: unknown): unknown => knownMembers(model, name ?? '', member);
  switch (shape.type) {
    case 'structure': {
      const entries = Object.entries(shape.members ?? {}).map(([name, ref]): [string, unknown] => {
        const member = Object.hasOwn(value as object, name) ? (value as Record<string, unknown>)[name] : undefined;
        return [name, member === undefined || member === null ? undefined : copy(ref.shape, member)];
      });
      return Object.fromEntries(entries.filter(([, member]) => member !== undefined));
    }
    case 'list':
      return (value as unknown[]).map((member) => copy(shape.member?.shape, member));
    case 'map':
      return Object.fromEntries(
        Object.entries(value as object).map(([key, member]) => [key, copy(shape.value?.shape, member)]),
      );
    default:
      return value;
  }
}
