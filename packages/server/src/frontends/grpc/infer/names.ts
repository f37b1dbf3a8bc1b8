import { cString, StatusError } from '@nereid/protocol';
import type { InferRequestMessage } from '../codec/infer-request.ts';

/** Names are compared pair by pair while that is cheaper than a set. */
const FEW_NAMES = 8;

/**
 * Refuses a request that gives an input, or asks for an output, twice. Triton notices that before it looks at metadata and contents. Throws
 * StatusError INVALID_ARG with its text.
 */
export function checkNames({ id, inputs, outputs }: InferRequestMessage): void {
  check('input', inputs, id);
  check('output', outputs, id);
}

type Named = { readonly name: string };

function check(kind: 'input' | 'output', tensors: readonly Named[], requestId: string): void {
  if (tensors.length < 2) return;
  const duplicate = tensors.length <= FEW_NAMES ? duplicateOfFew(tensors) : duplicateOfMany(tensors);
  if (duplicate === undefined) return;
  const id = cString(requestId);
  throw new StatusError(
    'INVALID_ARG',
    `[request id: ${id === '' ? '<id_unknown>' : id}] ${kind} '${cString(duplicate)}' already exists in request`,
  );
}

function duplicateOfFew(tensors: readonly Named[]): string | undefined {
  for (let position = 1; position < tensors.length; position++) {
    const { name } = tensors[position]!;
    for (let earlier = 0; earlier < position; earlier++) if (tensors[earlier]!.name === name) return name;
  }
  return undefined;
}

function duplicateOfMany(tensors: readonly Named[]): string | undefined {
  const names = new Set<string>();
  for (const { name } of tensors) {
    if (names.has(name)) return name;
    names.add(name);
  }
  return undefined;
}
