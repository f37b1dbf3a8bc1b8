import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StatusError } from '../status.ts';
import { JsonReader } from './json-reader.ts';
import { JsonDouble, JsonObject, type JsonValue } from './json-value.ts';
import { StringTable } from './string-table.ts';

function parse(text: string | Uint8Array, sliceBytes = Number.POSITIVE_INFINITY): JsonValue {
  const encoded = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const bytes = new Uint8Array(encoded.length + 1);
  bytes.set(encoded);
  const reader = new JsonReader(bytes, 0, { strings: new StringTable() });
  while (!reader.run(sliceBytes));
  return reader.root;
}

/** As JSON.parse gives it, but for duplicate members. */
function plain(value: JsonValue): unknown {
  if (value instanceof JsonDouble) return value.value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof JsonObject) {
    const object: Record<string, unknown> = Object.create(null);
    for (const name of value.names) object[name] = plain(value.get(name)!);
    return object;
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

function syntaxError(text: string | Uint8Array): string {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof StatusError);
    assert.equal(error.code, 'INTERNAL');
    return error.message.replace('failed to parse the request JSON buffer: ', '');
  }
  return 'none';
}

function sameAsJsonParse(text: string, sliceBytes?: number): void {
  assert.deepEqual(JSON.stringify(plain(parse(text, sliceBytes))), JSON.stringify(JSON.parse(text)));
}

test('values are those of JSON.parse, however the text is sliced', () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), fc.integer({ min: 1, max: 40 }), (text, sliceBytes) => {
      sameAsJsonParse(text);
      sameAsJsonParse(text, sliceBytes);
    }),
    { numRuns: 500 },
  );
});

test('blanks may stand anywhere between tokens', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('\t', ' ', '  '), (value, indent) => {
      sameAsJsonParse(` \r\n${JSON.stringify(value, null, indent)}\n`);
    }),
  );
});

test('strings of any characters, long or short, read as they were written', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.integer({ min: 1, max: 9 }), (text, sliceBytes) => {
      assert.equal(parse(JSON.stringify(text)), text);
      assert.equal(parse(JSON.stringify(text), sliceBytes), text);
    }),
  );
  assert.equal(parse('"\\u00e9\\ud83d\\ude00\\b\\f\\n\\r\\t\\/\\\\\\""'), 'é😀\b\f\n\r\t/\\"');
  assert.equal(parse('"\\uDE00"'), '\ude00', 'a lone low surrogate passes, as in RapidJSON 1.1');
});

test('integers are exact to 64 bits, beyond they are doubles', () => {
  assert.equal(parse('9007199254740991'), 9007199254740991);
  assert.equal(parse('9007199254740993'), 9007199254740993n);
  assert.equal(parse('18446744073709551615'), 18446744073709551615n);
  assert.equal(parse('-9223372036854775808'), -9223372036854775808n);
  assert.deepEqual(parse('18446744073709551616'), new JsonDouble(2 ** 64));
  assert.deepEqual(parse('-9223372036854775809'), new JsonDouble(-(2 ** 63)));
  assert.deepEqual(parse('1.0'), new JsonDouble(1));
  assert.ok(Object.is(parse('-0'), 0));
});

test('NaN and Infinity are numbers', () => {
  assert.deepEqual(parse('[NaN,Infinity,-Infinity,Inf,-NaN]'), [
    new JsonDouble(Number.NaN),
    new JsonDouble(Number.POSITIVE_INFINITY),
    new JsonDouble(Number.NEGATIVE_INFINITY),
    new JsonDouble(Number.POSITIVE_INFINITY),
    new JsonDouble(Number.NaN),
  ]);
});

test('the first of several members with one name wins, and no name is special', () => {
  const object = parse('{"a":1,"a":2,"__proto__":{"x":1},"constructor":3}') as JsonObject;
  assert.equal(object.get('a'), 1);
  assert.ok(object.get('__proto__') instanceof JsonObject);
  assert.equal(object.get('constructor'), 3);
  assert.equal(object.get('toString'), undefined);
});

test('a byte order mark is skipped and a zero byte ends the text', () => {
  assert.equal(parse(Uint8Array.of(0xef, 0xbb, 0xbf, 0x35)), 5);
  assert.deepEqual(parse(Uint8Array.of(0x5b, 0x5d, 0, 0x78)), []);
});

test("syntax errors have RapidJSON's words and offsets", () => {
  const errors: readonly (readonly [string, string])[] = [
    ['', 'The document is empty. at 0'],
    ['   ', 'The document is empty. at 3'],
    ['{"inputs":[', 'Invalid value. at 11'],
    ['{"inputs":[],}', 'Missing a name for object member. at 13'],
    ['{"inputs":[]} x', 'The document root must not be followed by other values. at 14'],
    ['{', 'Missing a name for object member. at 1'],
    ["{'a':1}", 'Missing a name for object member. at 1'],
    ['{"id":"a\nb"}', 'Invalid escape character in string. at 8'],
    ['{"inputs" []}', 'Missing a colon after a name of object member. at 10'],
    ['{"a":1 "b":2}', "Missing a comma or '}' after an object member. at 7"],
    ['[1 2]', "Missing a comma or ']' after an array element. at 3"],
    ['[1,]', 'Invalid value. at 3'],
    ['"abc', 'Missing a closing quotation mark in string. at 4'],
    ['"a\\x"', 'Invalid escape character in string. at 2'],
    ['"a\\u12G4"', 'Incorrect hex digit after \\u escape in string. at 2'],
    ['"\\ud800x"', 'The surrogate pair in string is invalid. at 1'],
    ['"\\ud800\\u0041"', 'The surrogate pair in string is invalid. at 1'],
    ['tru', 'Invalid value. at 3'],
    ['-', 'Invalid value. at 1'],
    ['1.', 'Miss fraction part in number. at 2'],
    ['1e', 'Miss exponent in number. at 2'],
    ['[1e309]', 'Number too big to be stored in double. at 1'],
    ['01', 'The document root must not be followed by other values. at 1'],
    [`[${'9'.repeat(400)}]`, 'Number too big to be stored in double. at 1'],
  ];
  for (const [text, message] of errors) assert.equal(syntaxError(text), message, JSON.stringify(text));
});

test('depth is no problem, and the number of values is bounded', () => {
  const depth = 200_000;
  assert.equal(syntaxError('['.repeat(depth) + ']'.repeat(depth)), 'none');
  assert.throws(() => parse(`[${'1,'.repeat(600_000)}1]`), {
    message: 'request JSON has more than 500000 values outside tensor data',
  });
});

test('any bytes at all give a value or a StatusError', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '\\',
    '1',
    '-',
    '.',
    'e5',
    'null',
    'NaN',
    ' ',
    '\u0000',
    '\u00ff',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      syntaxError(Buffer.from(parts.join(''), 'latin1'));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void syntaxError(bytes)),
    { numRuns: 1000 },
  );
});
