import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StatusError } from '@nereid/protocol';
import { batchOf, configured, int32, loadContext, outputsOf, request } from '../batch/test-support/requests.ts';
import { IdentityBackend } from './index.ts';

const TWO = `
name: "m" backend: "identity" max_batch_size: 4
input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
input { name: "INPUT1" data_type: TYPE_INT32 dims: [ -1 ] optional: true }
output { name: "OUTPUT1" data_type: TYPE_INT32 dims: [ -1 ] }
output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] }`;

async function load(text: string, backend = new IdentityBackend()) {
  const { config, signature } = configured(text);
  return { signature, model: await backend.load(loadContext(config, '/').context, signature) };
}

describe('identity backend', () => {
  it('gives back what it gets, without copying it', async () => {
    const { signature, model } = await load(TWO);
    const instance = await model.createInstance('m_0');
    const [a, b] = [int32('INPUT0', [1, 2], [1, 2]), int32('INPUT1', [1, 3], [7, 8, 9])];
    const asked = request(signature, [a, b], { outputs: ['OUTPUT0', 'OUTPUT1'] });
    const batch = batchOf([asked]);
    assert.equal(instance.execute(batch), undefined);
    assert.deepEqual(outputsOf(asked), [
      { ...a, name: 'OUTPUT0' },
      { ...b, name: 'OUTPUT1' },
    ]);
    assert.equal(outputsOf(asked)[0]?.data, a.data);
    assert.ok(batch.computeInputEndNs > 0 && batch.computeOutputStartNs >= batch.computeInputEndNs);
    assert.deepEqual(
      [...(asked.answers[0]?.response.parameters ?? [])],
      [
        ['param0', 'an example string parameter'],
        ['param1', 42],
        ['param2', false],
        ['param3', 123.123],
      ],
    );
  });

  it('answers zeros for an optional input that was left out', async () => {
    const { signature, model } = await load(TWO);
    const instance = await model.createInstance('m_0');
    const asked = request(signature, [int32('INPUT0', [2, 2], [1, 2, 3, 4])]);
    instance.execute(batchOf([asked]));
    assert.deepEqual(outputsOf(asked)[0], int32('OUTPUT1', [2, 1], [0, 0]));
  });

  it('fails a request whose required input is missing, and only that', async () => {
    const { signature, model } = await load(TWO);
    const instance = await model.createInstance('m_0');
    const bad = request(signature, [int32('INPUT1', [1, 1], [1])]);
    const good = request(signature, [int32('INPUT0', [1, 2], [1, 2])]);
    instance.execute(batchOf([bad, good]));
    assert.throws(() => outputsOf(bad), new StatusError('UNSUPPORTED', "failed to get input 'INPUT0'"));
    assert.equal(outputsOf(good).length, 2);
  });

  it('waits as long as it is told, per instance', async () => {
    const waits: number[] = [];
    const backend = new IdentityBackend(async (delayMs) => {
      waits.push(delayMs);
    });
    const { signature, model } = await load(
      `${TWO} parameters { key: "execute_delay_ms" value { string_value: "200" } }
       parameters { key: "instance_wise_delay_multiplier" value { string_value: "3" } }`,
      backend,
    );
    for (const name of ['m_0', 'm_1', 'm_2']) {
      const asked = request(signature, [int32('INPUT0', [1, 2], [1, 2])]);
      const running = (await model.createInstance(name)).execute(batchOf([asked]));
      assert.equal(asked.answers.length, 0);
      await running;
      assert.equal(outputsOf(asked).length, 2);
    }
    assert.deepEqual(waits, [200, 600, 1200]);
  });

  it('refuses configurations that are no identity, with Triton’s texts', async () => {
    const io = (kind: string, name: string, type = 'INT32', dims = '2') =>
      `${kind} { name: "${name}" data_type: TYPE_${type} dims: [ ${dims} ] }`;
    const cases: [string, string][] = [
      [io('input', 'INPUT0'), 'model configuration must have equal input/output pairs'],
      [io('input', 'X') + io('output', 'OUTPUT0'), "expected input name to follow INPUT<index> pattern, got 'X'"],
      [io('input', 'INPUT0') + io('output', 'Y'), "expected output name to follow OUTPUT<index> pattern, got 'Y'"],
      [io('input', 'INPUT0') + io('output', 'OUTPUT1'), 'expected input and output indices to match'],
      [
        io('input', 'INPUT0') + io('output', 'OUTPUT0', 'FP32'),
        'expected input and output datatype to match, got TYPE_INT32 and TYPE_FP32',
      ],
      [
        io('input', 'INPUT0') + io('output', 'OUTPUT0', 'INT32', '2, -1'),
        'expected input and output shape to match, got [2] and [2,-1]',
      ],
      [
        `${io('input', 'INPUT0')}${io('output', 'OUTPUT0')} parameters { key: "execute_delay_ms" value { string_value: "soon" } }`,
        "failed to convert 'soon' to integral number",
      ],
    ];
    for (const [text, message] of cases) {
      await assert.rejects(load(`name: "m" backend: "identity" ${text}`), { code: 'INVALID_ARG', message });
    }
  });
});
