import { compilePattern } from './pattern.ts';
import type { ServiceModel, Shape } from './service-model.ts';

/** A value that is of another JSON type than the model says. AWS answers `SerializationException` to it, before any constraint is looked at. */
export class WrongTypeError extends Error {}

/** Longest text a pattern is tried on: beyond it the length constraint has failed anyway. */
const MAX_PATTERN_CHARS = 16_384;

type Check = (value: unknown, path: string, problems: string[]) => void;

function describeType(value: unknown): string {
  if (typeof value === 'string') return 'STRING_VALUE';
  if (typeof value === 'number') return Number.isInteger(value) ? 'NUMBER_VALUE' : 'DECIMAL_VALUE';
  if (typeof value === 'boolean') return value ? 'TRUE_VALUE' : 'FALSE_VALUE';
  return Array.isArray(value) ? 'START_ARRAY' : 'START_OBJECT';
}

function wrongType(value: unknown, wanted: string, path: string): WrongTypeError {
  return new WrongTypeError(`${describeType(value)} can not be converted to ${wanted} (at '${path}')`);
}

function jsonText(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    // Nested deeper than the stack.
    return Array.isArray(value) ? '[…]' : '{…}';
  }
}

/** Where a problem is named the way AWS prints values: `null`, text as it is, lists and objects as JSON. */
function printed(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  const text = typeof value === 'object' ? jsonText(value) : String(value);
  return `'${text.length > 512 ? `${text.slice(0, 512)}…` : text}'`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function problem(value: unknown, path: string, constraint: string): string {
  return `Value ${printed(value)} at '${path}' failed to satisfy constraint: ${constraint}`;
}

function checkLength(shape: Shape, size: number, value: unknown, path: string, problems: string[]): void {
  if (shape.max !== undefined && size > shape.max) {
    problems.push(problem(value, path, `Member must have length less than or equal to ${shape.max}`));
  }
  if (shape.min !== undefined && size < shape.min) {
    problems.push(problem(value, path, `Member must have length greater than or equal to ${shape.min}`));
  }
}

function stringCheck(shape: Shape): Check {
  const pattern = shape.pattern === undefined ? undefined : compilePattern(shape.pattern);
  const allowed = shape.enum && new Set(shape.enum);
  return (value, path, problems) => {
    if (typeof value !== 'string') throw wrongType(value, 'a String', path);
    checkLength(shape, [...value.slice(0, MAX_PATTERN_CHARS)].length, value, path, problems);
    if (allowed && !allowed.has(value)) {
      problems.push(problem(value, path, `Member must satisfy enum value set: [${shape.enum?.join(', ')}]`));
    }
    if (pattern && value.length <= MAX_PATTERN_CHARS && !pattern.test(value)) {
      problems.push(problem(value, path, `Member must satisfy regular expression pattern: ${shape.pattern}`));
    }
  };
}

function numberCheck(shape: Shape): Check {
  const wanted = shape.type === 'integer' ? 'an Integer' : 'a Float';
  return (value, path, problems) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(value, wanted, path);
    if (shape.type === 'integer' && !Number.isInteger(value)) throw wrongType(value, wanted, path);
    if (shape.max !== undefined && value > shape.max) {
      problems.push(problem(value, path, `Member must have value less than or equal to ${shape.max}`));
    }
    if (shape.min !== undefined && value < shape.min) {
      problems.push(problem(value, path, `Member must have value greater than or equal to ${shape.min}`));
    }
  };
}

const booleanCheck: Check = (value, path) => {
  if (typeof value !== 'boolean') throw wrongType(value, 'a Boolean', path);
};

/** SDKs send epoch seconds; ISO 8601 text is understood as well. */
const timestampCheck: Check = (value, path) => {
  const valid = typeof value === 'number' ? Number.isFinite(value) : typeof value === 'string' && Date.parse(value) > 0;
  if (!valid) throw wrongType(value, 'a Timestamp', path);
};

/** Checks inputs of one service against its model. Each shape is turned into a function once. */
export class InputValidator {
  readonly #model: ServiceModel;
  readonly #checks = new Map<string, Check>();

  constructor(model: ServiceModel) {
    this.#model = model;
  }

  /**
   * All constraint failures of `input`, in AWS's words; none means valid. Members that the model does not know are ignored, `null` counts as absent.
   * Throws WrongTypeError for a value of another JSON type.
   */
  problems(operation: string, input: unknown): string[] {
    const entry = this.#model.operations[operation];
    if (!entry) throw new Error(`the service model has no operation ${operation}`);
    const problems: string[] = [];
    this.#check(entry.input)(input, '', problems);
    return problems;
  }

  #check(name: string): Check {
    const known = this.#checks.get(name);
    if (known) return known;
    const shape = this.#model.shapes[name];
    if (!shape) throw new Error(`the service model has no shape ${name}`);
    // Registered before it is built: shapes may refer to themselves.
    let built: Check | undefined;
    this.#checks.set(name, (value, path, problems) => built?.(value, path, problems));
    built = this.#build(shape);
    this.#checks.set(name, built);
    return built;
  }

  #build(shape: Shape): Check {
    switch (shape.type) {
      case 'structure':
        return this.#structureCheck(shape);
      case 'list':
        return this.#listCheck(shape);
      case 'map':
        return this.#mapCheck(shape);
      case 'string':
        return stringCheck(shape);
      case 'integer':
      case 'float':
        return numberCheck(shape);
      case 'boolean':
        return booleanCheck;
      case 'timestamp':
        return timestampCheck;
      default:
        // Blobs travel as request bodies and are limited where they are read.
        return () => undefined;
    }
  }

  #structureCheck(shape: Shape): Check {
    const required = new Set(shape.required ?? []);
    const members = Object.entries(shape.members ?? {}).map(([name, ref]) => ({
      name,
      isRequired: required.has(name) && this.#model.shapes[ref.shape]?.type !== 'blob',
      check: this.#check(ref.shape),
    }));
    return (value, path, problems) => {
      if (!isRecord(value)) throw wrongType(value, 'a structure', path);
      for (const { name, isRequired, check } of members) {
        const memberPath = path === '' ? lowerFirst(name) : `${path}.${lowerFirst(name)}`;
        const member = Object.hasOwn(value, name) ? value[name] : undefined;
        if (member === undefined || member === null) {
          if (isRequired) problems.push(problem(null, memberPath, 'Member must not be null'));
        } else check(member, memberPath, problems);
      }
    };
  }

  #listCheck(shape: Shape): Check {
    const check = this.#check(shape.member?.shape ?? '');
    return (value, path, problems) => {
      if (!Array.isArray(value)) throw wrongType(value, 'a list', path);
      checkLength(shape, value.length, value, path, problems);
      if (shape.max !== undefined && value.length > shape.max) return;
      value.forEach((member, index) => {
        const memberPath = `${path}.${index + 1}.member`;
        if (member === null) problems.push(problem(null, memberPath, 'Member must not be null'));
        else check(member, memberPath, problems);
      });
    };
  }

  #mapCheck(shape: Shape): Check {
    const keyCheck = this.#check(shape.key?.shape ?? '');
    const valueCheck = this.#check(shape.value?.shape ?? '');
    return (value, path, problems) => {
      if (!isRecord(value)) throw wrongType(value, 'a map', path);
      const entries = Object.entries(value);
      checkLength(shape, entries.length, value, path, problems);
      if (shape.max !== undefined && entries.length > shape.max) return;
      for (const [key, member] of entries) {
        keyCheck(key, `${path}.key`, problems);
        valueCheck(member, `${path}.${key}.value`, problems);
      }
    };
  }
}

/** The one message that names all problems of a request. */
export function validationMessage(problems: readonly string[]): string {
  const count = problems.length === 1 ? '1 validation error' : `${problems.length} validation errors`;
  return `${count} detected: ${problems.join('; ')}`;
}
