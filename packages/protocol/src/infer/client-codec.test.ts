import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodeBytesElements } from '../bytes-elements.ts';
import { DATA_TYPES, dataTypeByteSize } from '../data-type.ts';
import { ByteWriter } from '../json/index.ts';
import { StatusError } from '../status.ts';
import type { Tensor } from '../tensor.ts';
import { InferRequestDecoder } from './request-decoder.ts';
import { type EncodableInferRequest, type EncodableInput, encodeInferRequest } from './request-encoder.ts';
import { checkTensorContents, InferResponseDecoder } from './response-decoder.ts';
import { InferResponseEncoding, type OutputForm } from './response-encoder.ts';

const MAX_BYTES = 1 << 26;

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 });

/** A tensor whose contents have a JSON form too: BOOL of 0 and 1, floats without NaN payloads, BYTES of valid text. */
function tensors(name: string): fc.Arbitrary<Tensor> {
  return fc.tuple(fc.constantFrom(...DATA_TYPES), shapes).chain(([dataType, shape]) => {
    const count = shape.reduce((product, dim) => product * dim, 1);
    return contents(dataType, count).map((data) => ({ name, dataType, shape, data }));
  });
}

function contents(dataType: Tensor['dataType'], count: number): fc.Arbitrary<Uint8Array> {
  const exactly = { minLength: count, maxLength: count };
  switch (dataType) {
    case 'BYTES': {
      // A text of JSON ends at U+0000 in Triton.
      const element = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', ''));
      return fc.array(element, exactly).map(encodeBytesElements);
    }
    case 'BOOL':
      return fc.array(fc.integer({ min: 0, max: 1 }), exactly).map((bits) => Uint8Array.from(bits));
    case 'FP32':
      return fc
        .array(fc.float({ noNaN: true }), exactly)
        .map((values) => new Uint8Array(Float32Array.from(values).buffer));
    case 'FP64':
      return fc
        .array(fc.double({ noNaN: true, noDefaultInfinity: true }), exactly)
        .map((values) => new Uint8Array(Float64Array.from(values).buffer));
    default:
      return fc.uint8Array({
        minLength: count * dataTypeByteSize(dataType),
        maxLength: count * dataTypeByteSize(dataType),
      });
  }
}

const hasJsonForm = ({ dataType }: Tensor): boolean => dataType !== 'FP16' && dataType !== 'BF16';

function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe('encodeInferRequest', () => {
  const inputs = fc
    .array(fc.nat(), { minLength: 1, maxLength: 4 })
    .chain((list) => fc.tuple(...list.map((_, index) => fc.tuple(tensors(`IN"${index}é`), fc.boolean()))))
    .map((list) =>
      list.map(([tensor, json]): EncodableInput => ({ tensor, form: json && hasJsonForm(tensor) ? 'json' : 'binary' })),
    );
  const parameters = fc
    .dictionary(
      fc
        .string({ minLength: 1 })
        .filter((name) => !/\0|^(triton_|sequence_|priority$|timeout$|binary_data)/.test(name)),
      fc.oneof(
        fc.boolean(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.string().filter((text) => !text.includes('\0')),
      ),
    )
    .map((object) => new Map(Object.entries(object)));

  test('what it writes, the server reads', () => {
    const decoder = new InferRequestDecoder({
      maxInputBytes: MAX_BYTES,
      sharedMemory: () => assert.fail('no shared memory here'),
    });
    fc.assert(
      fc.property(
        inputs,
        parameters,
        fc.string().filter((id) => !id.includes('\0')),
        fc.record({
          start: fc.boolean(),
          end: fc.boolean(),
          id: fc.oneof(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), fc.constant('seq')),
        }),
        fc.nat(),
        fc.nat(),
        fc.array(fc.tuple(fc.boolean(), fc.nat(5)), { maxLength: 3 }),
        (encodable, custom, id, sequence, priority, timeoutMicros, outputForms) => {
          const request: EncodableInferRequest = {
            id,
            parameters: custom,
            correlationId: sequence.id,
            sequenceStart: sequence.start,
            sequenceEnd: sequence.end,
            priority,
            timeoutMicros,
            inputs: encodable,
            outputs: outputForms.map(([binary, classCount], index) => ({ name: `OUT${index}`, binary, classCount })),
            binaryOutputs: outputForms.length === 0,
          };
          const { json, binaryParts } = encodeInferRequest(request);
          const decoded = decoder.decode({
            bytes: join([json, ...binaryParts]),
            jsonLength: json.length,
            modelName: 'model',
          });
          assert.deepEqual(
            { ...decoded, inputs: decoded.inputs.map((input) => ({ ...input, data: new Uint8Array(input.data) })) },
            { ...request, inputs: encodable.map(({ tensor }) => tensor) },
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test('inputs and outputs in shared memory are named, not sent', () => {
    const request: EncodableInferRequest = {
      id: '',
      parameters: new Map(),
      correlationId: 0n,
      sequenceStart: false,
      sequenceEnd: false,
      priority: 0,
      timeoutMicros: 0,
      inputs: [
        {
          tensor: { name: 'IN', dataType: 'FP32', shape: [2] },
          form: 'sharedMemory',
          sharedMemory: { region: 'r', offset: 8, byteSize: 8 },
        },
      ],
      outputs: [{ name: 'OUT', binary: false, classCount: 0, sharedMemory: { region: 'w', offset: 0, byteSize: 8 } }],
      binaryOutputs: true,
    };
    const { json, binaryParts, hasBinary } = encodeInferRequest(request);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(json)), {
      inputs: [
        {
          name: 'IN',
          datatype: 'FP32',
          shape: [2],
          parameters: { shared_memory_region: 'r', shared_memory_byte_size: 8, shared_memory_offset: 8 },
        },
      ],
      outputs: [{ name: 'OUT', parameters: { shared_memory_region: 'w', shared_memory_byte_size: 8 } }],
    });
    assert.deepEqual([binaryParts, hasBinary], [[], false]);
  });
});

describe('InferResponseDecoder', () => {
  const decoder = new InferResponseDecoder();
  const parse = (json: string, binary: Uint8Array = new Uint8Array(0)) => {
    const text = new TextEncoder().encode(json);
    return decoder.decode({ bytes: join([text, binary]), jsonLength: text.length });
  };

  test('what the server writes, it reads', () => {
    const outputs = fc
      .array(fc.nat(), { maxLength: 4 })
      .chain((list) => fc.tuple(...list.map((_, index) => fc.tuple(tensors(`OUT${index}`), fc.boolean()))));
    fc.assert(
      fc.property(outputs, fc.string(), fc.nat(), (list, id, modelVersion) => {
        const forms = new Map<string, OutputForm>(
          list.map(([tensor, json]) => [tensor.name, json && hasJsonForm(tensor) ? 'json' : 'binary']),
        );
        const response = {
          id,
          modelName: 'm',
          modelVersion,
          parameters: new Map<string, string | bigint | number | boolean>([
            ['p', 'é"\n'],
            ['n', -5n],
            ['d', 0.5],
          ]),
          outputs: list.map(([tensor]) => tensor),
        };
        const writer = new ByteWriter(64);
        const encoding = new InferResponseEncoding(response, (name) => forms.get(name)!, writer);
        encoding.run(Number.POSITIVE_INFINITY);
        const json = writer.view();
        const decoded = decoder.decode({ bytes: join([json, ...encoding.binaryParts]), jsonLength: json.length });
        assert.deepEqual(
          { ...decoded, outputs: decoded.outputs.map((output) => ({ ...output, data: new Uint8Array(output.data!) })) },
          { ...response, modelVersion: String(modelVersion) },
        );
      }),
      { numRuns: 200 },
    );
  });

  test('members may come in any order, and contents may be nested', () => {
    const { outputs } = parse('{"outputs":[{"data":[[1,2],[3,4]],"shape":[2,2],"datatype":"INT32","name":"O"}]}');
    assert.deepEqual([...outputs[0]!.data!], [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]);
  });

  test('an output without contents is in shared memory; a scalar has no dimensions', () => {
    const { outputs } = parse(
      '{"outputs":[{"name":"A","datatype":"FP32","shape":[4]},{"name":"B","datatype":"INT8","shape":[],"data":[7]}]}',
    );
    assert.equal(outputs[0]!.data, undefined);
    assert.deepEqual([...outputs[1]!.data!], [7]);
  });

  const binary = (shape: string, size: string, dataType = 'INT8') =>
    `{"outputs":[{"name":"O","datatype":"${dataType}","shape":${shape},"parameters":{"binary_data_size":${size}}}]}`;
  for (const [what, json, bytes] of [
    ['contents longer than the body', binary('[4]', '4'), 3],
    ['contents beyond 2^53', binary('[4]', '18446744073709551615'), 4],
    ['a negative size', binary('[4]', '-1'), 4],
    ['bytes behind the last output', binary('[4]', '4'), 5],
    ['a shape that needs more', binary('[5]', '4'), 4],
    ['a shape beyond 2^63', binary('[9223372036854775807,9223372036854775807]', '4'), 4],
    ['a negative dimension', binary('[-4]', '4'), 4],
    ['an unknown type', binary('[4]', '4', 'FP8'), 4],
    ['a BYTES element without its length', binary('[1]', '3', 'BYTES'), 3],
    [
      'a JSON array beyond memory',
      '{"outputs":[{"name":"O","datatype":"FP64","shape":[1000000000000],"data":[1]}]}',
      0,
    ],
    ['too few elements', '{"outputs":[{"name":"O","datatype":"FP64","shape":[2],"data":[1]}]}', 0],
    ['too many elements', '{"outputs":[{"name":"O","datatype":"FP64","shape":[1],"data":[1,2]}]}', 0],
    ['elements of another kind', '{"outputs":[{"name":"O","datatype":"INT32","shape":[1],"data":["1"]}]}', 0],
    ['FP16 as JSON', '{"outputs":[{"name":"O","datatype":"FP16","shape":[1],"data":[1]}]}', 0],
    ['data that is no array', '{"outputs":[{"name":"O","datatype":"INT32","shape":[1],"data":{}}]}', 0],
    ['outputs that are no array', '{"outputs":{}}', 0],
    ['no outputs', '{}', 0],
    ['no JSON', 'nothing', 0],
    ['half of a JSON', '{"outputs":[{"name":"O"', 0],
    ['nothing', '', 0],
    ['deep nesting', `{"outputs":[{"name":"O","datatype":"INT32","shape":[1],"data":${'['.repeat(100_000)}`, 0],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => parse(json, new Uint8Array(bytes)), StatusError);
    });
  }

  test('any body gives a result or a StatusError', () => {
    const valid = binary('[2,2]', '4');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(valid.length), fc.nat(200), (noise, at, jsonLength) => {
        const text = Buffer.from(valid);
        text.set(noise.subarray(0, text.length - at), at);
        try {
          decoder.decode({ bytes: new Uint8Array(text), jsonLength });
        } catch (error) {
          assert.ok(error instanceof StatusError, String(error));
        }
      }),
    );
  });
});

test('checkTensorContents compares type and shape with the bytes', () => {
  const tensor = { name: 'T', dataType: 'BYTES' as const, shape: [2], data: encodeBytesElements(['a', '']) };
  checkTensorContents(tensor);
  checkTensorContents({ ...tensor, shape: [0], data: new Uint8Array(0) });
  assert.throws(() => checkTensorContents({ ...tensor, shape: [3] }), /needs 3 elements, got 2/);
  const lying = Uint8Array.of(255, 255, 255, 255, 1);
  assert.throws(() => checkTensorContents({ ...tensor, shape: [1], data: lying }), /element 0 at byte 0 does not fit/);
});
