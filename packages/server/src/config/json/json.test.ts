import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { equals } from '@bufbuild/protobuf';
import { StatusError } from '@nereid/protocol';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import fc from 'fast-check';
import { arbitraryConfig } from '../test-support/arbitrary-config.ts';
import { parseModelConfigText } from '../text/parser.ts';
import { parseModelConfigJson } from './reader.ts';
import { modelConfigToJson } from './writer.ts';

describe('a configuration as JSON', () => {
  it('prints every default, messages only where they are set, 64-bit numbers as numbers except where Triton forgets to', () => {
    const config =
      parseModelConfigText(`name: "a\\"\\\\\\n\\001é" input { name: "i" dims: [ -1, 9007199254740993 ] reshape { } }
instance_group { secondary_devices { device_id: 7 } }
sequence_batching { oldest { max_queue_delay_microseconds: 5 }
  state { dims: 2 initial_state { dims: 3 zero_data: true name: "n" } } }
parameters { key: "k" value { string_value: "v" } } response_cache { }`);
    assert.equal(
      modelConfigToJson(config),
      '{"name":"a\\"\\\\\\n\\u0001é","platform":"","backend":"","runtime":"","max_batch_size":0,' +
        '"input":[{"name":"i","data_type":"TYPE_INVALID","format":"FORMAT_NONE","dims":[-1,9007199254740993],"reshape":{"shape":[]},' +
        '"is_shape_tensor":false,"allow_ragged_batch":false,"optional":false,"is_non_linear_format_io":false}],"output":[],' +
        '"batch_input":[],"batch_output":[],"sequence_batching":{"oldest":{"max_candidate_sequences":0,"preferred_batch_size":[],' +
        '"max_queue_delay_microseconds":5,"preserve_ordering":false},"max_sequence_idle_microseconds":0,"control_input":[],' +
        '"state":[{"input_name":"","output_name":"","data_type":"TYPE_INVALID","dims":[2],"initial_state":[{"data_type":"TYPE_INVALID",' +
        '"dims":["3"],"name":"n","zero_data":true}],"use_same_buffer_for_input_output":false,"use_growable_memory":false}],' +
        '"iterative_sequence":false},"instance_group":[{"name":"","kind":"KIND_AUTO","count":0,"gpus":[],"secondary_devices":' +
        '[{"kind":"KIND_NVDLA","device_id":"7"}],"profile":[],"passive":false,"host_policy":""}],"default_model_filename":"",' +
        '"cc_model_filenames":{},"metric_tags":{},"parameters":{"k":{"string_value":"v"}},"model_warmup":[],"response_cache":{"enable":false}}',
    );
  });

  it('prints floats with the digits they have', () => {
    const json = (value: string) => {
      const direct = `sequence_batching { direct { minimum_slot_utilization: ${value} } }`;
      return /"minimum_slot_utilization":([^,}]+)/.exec(modelConfigToJson(parseModelConfigText(direct)))?.[1];
    };
    assert.deepEqual(['0', '0.1', '0.5', '1', '1e-7', '3e38', 'nan', 'inf'].map(json), [
      '0',
      '0.1',
      '0.5',
      '1',
      '1e-7',
      '3e38',
      '"NaN"',
      '"Infinity"',
    ]);
  });

  it('reads what it printed', () => {
    fc.assert(
      fc.property(arbitraryConfig(), (config) => {
        const json = modelConfigToJson(config);
        const read = parseModelConfigJson(json);
        assert.ok(equals(ModelConfigSchema, read, config) || json.includes('"NaN"'));
        assert.equal(modelConfigToJson(read), json);
      }),
      { numRuns: 150 },
    );
  });

  it('reads either spelling of names, enums in any case, and integers of any size', () => {
    const config = parseModelConfigJson(
      '{"maxBatchSize":8,"input":[{"name":"i","data_type":"type_fp32","format":1,"dims":[9007199254740993,"-1"]}],' +
        '"dynamic_batching":{"priorityQueuePolicy":{"3":{"timeout_action":"delay"}}}}',
    );
    assert.equal(config.maxBatchSize, 8);
    assert.deepEqual(config.input[0]?.dims, [9007199254740993n, -1n]);
    assert.equal(config.input[0]?.dataType, 11);
    assert.equal(config.schedulingChoice.case, 'dynamicBatching');
  });

  it('fails with a StatusError for anything else', () => {
    const bad = [
      '',
      '{',
      'null',
      '[]',
      '3',
      '{"nosuch":1}',
      '{"name":1}',
      '{"input":{}}',
      '{"max_batch_size":3000000000}',
    ];
    bad.push('{"input":[{"dims":[9223372036854775808]}]}', '{"input":[{"data_type":"TYPE_FP7"}]}', '['.repeat(100_000));
    bad.push('{"dynamic_batching":{},"sequence_batching":{}}');
    const refused = (error: unknown) => error instanceof StatusError && error.code === 'INVALID_ARG';
    for (const json of bad) assert.throws(() => parseModelConfigJson(json), refused, json.slice(0, 60));
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (json) => {
        try {
          parseModelConfigJson(json);
        } catch (error) {
          assert.ok(refused(error), String(error));
        }
      }),
    );
  });
});
