import { type ElementType, elementByteSize } from '../format/index.ts';

export function isFloat(type: ElementType): boolean {
  return type.startsWith('FLOAT');
}

export function isBig(type: ElementType): boolean {
  return type === 'INT64' || type === 'UINT64';
}

function isSigned(type: ElementType): boolean {
  return type.startsWith('INT');
}

/**
 * Type of `left op right` (DALI, "Arithmetic expressions"): equal types stay; any float beats integers, the wider float wins; bool gives way;
 * integers of one signedness take the wider; signed with unsigned gives a signed type that is wider than the unsigned one, up to 64 bits.
 */
export function promote(left: ElementType, right: ElementType): ElementType {
  if (left === right) return left;
  if (isFloat(left) || isFloat(right)) {
    if (isFloat(left) && isFloat(right)) return elementByteSize(left) > elementByteSize(right) ? left : right;
    return isFloat(left) ? left : right;
  }
  if (left === 'BOOL') return right;
  if (right === 'BOOL') return left;
  if (isSigned(left) === isSigned(right)) return elementByteSize(left) > elementByteSize(right) ? left : right;
  const [signed, unsigned] = isSigned(left) ? [left, right] : [right, left];
  const bytes = Math.max(elementByteSize(signed), Math.min(elementByteSize(unsigned) * 2, 8));
  return `INT${bytes * 8}` as ElementType;
}

/** Type of a function of real numbers: integers become FLOAT. */
export function realType(type: ElementType): ElementType {
  return isFloat(type) ? type : 'FLOAT';
}
