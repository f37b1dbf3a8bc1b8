import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { equals } from '@bufbuild/protobuf';
import { fromText, toText } from '@bufbuild/protobuf/txtpb';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import fc from 'fast-check';
import { arbitraryConfig } from '../test-support/arbitrary-config.ts';
import { parseModelConfigText, parseModelConfigWithLocations } from './parser.ts';
import { ConfigTextError, describeTextProblem } from './problem.ts';

/** What libprotobuf would log, without the part that is the same on every line. */
function problemsOf(text: string | Uint8Array): string[] {
  try {
    parseModelConfigText(text);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigTextError, String(error));
    const prefix = 'Error parsing text-format inference.ModelConfig: ';
    return error.problems.map((problem) => describeTextProblem(problem).slice(prefix.length));
  }
}

describe('the text format', () => {
  it('takes every spelling that protobuf takes', () => {
    const config = parseModelConfigText(`
# comment
name: "a" 'b' "\\x63\\144\\u0065\\n"   # adjacent literals are one string
max_batch_size : 0x10;
input [ { name: "x" data_type: 11 dims: [ 1, -1, 010 ] }, < name: 'y', data_type: TYPE_BF16 optional: t > ]
input: { name: "z" is_shape_tensor: 1 allow_ragged_batch: True dims: [] dims: 5 dims: 6 }
metric_tags { key: "k" value: "first" } metric_tags { value: "last" key: "k" } metric_tags { }
parameters: [ { key: "p" value: { string_value: "v" } }, { key: "q" } ]
sequence_batching { direct { minimum_slot_utilization: .5f max_queue_delay_microseconds: 18446744073709551615 } }
model_metrics { metric_control { histogram_options { buckets: [ 1, 1e3, -inf, 2.5F ] } } }
version_policy: { all {} }`);
    assert.equal(config.name, 'abcde\n');
    assert.equal(config.maxBatchSize, 16);
    assert.deepEqual(
      config.input.map((input) => input.dims),
      [[1n, -1n, 8n], [], [5n, 6n]],
    );
    assert.deepEqual(
      config.input.map((input) => input.dataType),
      [11, 14, 0],
    );
    assert.deepEqual(Object.entries(config.metricTags), [
      ['k', 'last'],
      ['', ''],
    ]);
    assert.equal(config.parameters['p']?.stringValue, 'v');
    assert.equal(config.parameters['q']?.stringValue, '');
    assert.equal(config.versionPolicy?.policyChoice.case, 'all');
    const [control] = config.modelMetrics?.metricControl ?? [];
    assert.deepEqual(control?.metricOptions.value?.buckets, [1, 1000, Number.NEGATIVE_INFINITY, 2.5]);
  });

  const MISTAKES: readonly [text: string, ...problems: string[]][] = [
    ['name: "m"\nmax_batch_size: $', '2:17: Expected integer, got: $'],
    ['max_batch_size: -"x"', '1:18: Expected integer, got: "x"'],
    ['max_batch_size: "invalid_value"', '1:17: Expected integer, got: "invalid_value"'],
    ['max_batch_size: 12345678901', '1:17: Integer out of range (12345678901)'],
    ['max_batch_size: -2147483649', '1:18: Integer out of range (2147483649)'],
    [`max_batch_size: ${'9'.repeat(100_000)}`, `1:17: Integer out of range (${'9'.repeat(256)})`],
    ['max_batch_size: 1.5', '1:17: Expected integer, got: 1.5'],
    ['max_batch_size: 4\nmax_batch_size: 4', '2:15: Non-repeated field "max_batch_size" is specified multiple times.'],
    ['optimization { } optimization { }', '1:31: Non-repeated field "optimization" is specified multiple times.'],
    [
      'dynamic_batching { }\nsequence_batching { }',
      '2:19: Field "sequence_batching" is specified along with field "dynamic_batching", another member of oneof "scheduling_choice".',
    ],
    ['instance_group [ { kind: KIND_CPU ]', '1:35: Expected identifier, got: ]'],
    ['instance_group { kind: KIND_TPU }', '1:33: Unknown enumeration value of "KIND_TPU" for field "kind".'],
    ['instance_group { kind: "KIND_CPU" }', '1:24: Expected integer or identifier, got: "KIND_CPU"'],
    ['input { dims: [ 1, 2, }', '1:23: Expected integer, got: }'],
    ['input { optional: maybe }', '1:25: Invalid value for boolean field "optional". Value: "maybe".'],
    ['input { optional: 2 }', '1:19: Integer out of range (2)'],
    ['input { ', '1:9: Expected identifier, got: '],
    ['input "x"', '1:7: Expected "{", found ""x"".'],
    ['name "x"', '1:6: Expected ":", found ""x"".'],
    ['name: 7', '1:7: Expected string, got: 7'],
    ['\tname: 7', '1:15: Expected string, got: 7'],
    ['name: "é" max_batch_size: x', '1:28: Expected integer, got: x'],
    ['foo: 1', '1:4: Message type "inference.ModelConfig" has no field named "foo".'],
    ['constructor: 1', '1:12: Message type "inference.ModelConfig" has no field named "constructor".'],
    ['[a.b]: 3', '1:6: Extension "a.b" is not defined or is not an extension of "inference.ModelConfig".'],
    [
      'ensemble_scheduling { step { input_map { kee: "x" } } }',
      '1:45: Message type "inference.ModelEnsembling.Step.InputMapEntry" has no field named "kee".',
    ],
    ['name: "abc\n', '1:11: String literals cannot cross line boundaries.'],
    ['name: "abc', '1:11: Unexpected end of string.'],
    ['name: "\\q"', '1:9: Invalid escape sequence in string literal.'],
    [
      'max_batch_size: 09',
      '1:18: Numbers starting with leading zero must be in octal.',
      '1:17: Integer out of range (09)',
    ],
    ['max_batch_size: 1x', '1:18: Need space between number and identifier.'],
    ['name: "a" }', '1:11: Expected identifier, got: }'],
    ['name: "a" \u0001', '1:11: Invalid control characters encountered in text.'],
    [
      'model_metrics { metric_control { histogram_options { buckets: 0x1 } } }',
      '1:63: Expect a decimal number, got: 0x1',
    ],
  ];
  for (const [text, ...expected] of MISTAKES) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    it(`reports ${JSON.stringify(shown)} as libprotobuf does`, () => {
      assert.deepEqual(problemsOf(text).slice(0, expected.length), expected);
    });
  }

  it('tells every name that there is not, when it is asked where fields stand', () => {
    const text = `max_batchsize: -8
input [ { name: "x" data_type: TYPE_FLOAT dim: [ 1, -1 ], dims: [ 1 ] }, { name: "y" data_type: FP32 } ]
dynamic_batcing { a { b [ { c: "1" "2" } ] } d < e: 1 > };
instance_group { kind: KIND_TPU count: 2 }
name: "m" name: "n"
output { nam: "z" }`;
    assert.throws(
      () => parseModelConfigWithLocations(text),
      (error: ConfigTextError) => {
        assert.deepEqual(
          error.problems.map(({ line, message }) => `${line} ${/named ".*"|of ".*?"|field ".*?"/.exec(message)?.[0]}`),
          [
            '1 named "max_batchsize"',
            '2 of "TYPE_FLOAT"',
            '2 named "dim"',
            '2 of "FP32"',
            '3 named "dynamic_batcing"',
            '4 of "KIND_TPU"',
            '5 field "name"',
            '6 named "nam"',
          ],
        );
        return true;
      },
    );
    const deep = `x ${'{ a '.repeat(100_000)}`;
    assert.throws(() => parseModelConfigWithLocations(deep), /has no field named "x"/);
  });

  it('knows where each field stands', () => {
    const { locations } = parseModelConfigWithLocations(
      'name: "m"\ninput [\n  { name: "a" dims: [ 1,\n 2 ] },\n  { name: "b" } ]\ninput { name: "c"\n  dims: 3 dims: 4 }\n' +
        'dynamic_batching {\n  priority_queue_policy { key: 3 value { max_queue_size: 1 } } }',
    );
    const at = (...path: Parameters<typeof locations.find>[0]) => {
      const position = locations.find(path);
      return position && `${position.line}:${position.column}`;
    };
    assert.equal(at('name'), '1:1');
    assert.equal(at('input', 0), '3:3');
    assert.equal(at('input', 0, 'dims', 1), '4:2');
    assert.equal(at('input', 2, 'dims', 1), '7:11');
    assert.equal(at('input', 1, 'reshape', 'shape', 3), '5:3');
    assert.equal(at('dynamic_batching', 'priority_queue_policy', { key: '3' }, 'max_queue_size'), '9:3');
    assert.equal(at('output', 0), undefined);
  });

  it('reads what the library prints, and prints what it read', () => {
    fc.assert(
      fc.property(arbitraryConfig(), (config) => {
        const text = toText(ModelConfigSchema, config);
        const parsed = parseModelConfigText(text);
        assert.ok(equals(ModelConfigSchema, parsed, fromText(ModelConfigSchema, text)));
        assert.equal(toText(ModelConfigSchema, parseModelConfigText(toText(ModelConfigSchema, parsed))), text);
      }),
      { numRuns: 150 },
    );
  });

  it('never fails otherwise than with a ConfigTextError', () => {
    const words = fc.constantFrom(
      'input',
      'name',
      ':',
      '{',
      '}',
      '[',
      ']',
      '"x"',
      "'",
      '7',
      '-',
      '<',
      '>',
      ',',
      '#',
      '\n',
      'dims',
      '1e9',
      '0x',
      '\\',
      'step',
    );
    const texts = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(words, { maxLength: 60 }).map((list) => new TextEncoder().encode(list.join(' '))),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseModelConfigWithLocations(text);
        } catch (error) {
          assert.ok(error instanceof ConfigTextError, String(error));
          assert.ok(error.problems.every(({ line, column }) => line >= 1 && column >= 1));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('stops at its limits', () => {
    const limits = { maxMessages: 100, maxValues: 1000 };
    const steps = `ensemble_scheduling { ${'step { } '.repeat(200)} }`;
    assert.throws(() => parseModelConfigText(steps, limits), /Too many messages, the limit is 100\./);
    const dims = `input { dims: [ ${Array(2000).fill('1').join(',')} ] }`;
    assert.throws(() => parseModelConfigText(dims, limits), /Too many values, the limit is 1000\./);
    assert.throws(
      () => parseModelConfigText(`ensemble_scheduling { ${'step{}'.repeat(1_000_000)} }`),
      /Too many messages/,
    );
    assert.equal(problemsOf('[ '.repeat(100_000)).length, 1);
    assert.ok(problemsOf('\u0001 '.repeat(100_000)).length <= 100);
  });
});
