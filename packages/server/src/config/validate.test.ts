import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StatusError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import fc from 'fast-check';
import { autofillBackend } from './autofill.ts';
import { printFieldPath } from './field-path.ts';
import { instanceGroupProblems, normalizeInstanceGroups } from './instance-group.ts';
import { normalizeModelConfig } from './normalize.ts';
import { metricsWarnings } from './rules/metrics.ts';
import { modelIoProblems } from './rules/tensor-io.ts';
import { arbitraryConfig } from './test-support/arbitrary-config.ts';
import { parseModelConfigText } from './text/parser.ts';
import { completeModelConfig, modelConfigProblems, validateModelConfig } from './validate.ts';

function polled(text: string): ModelConfig {
  const config = parseModelConfigText(text);
  autofillBackend('m', undefined, config);
  normalizeModelConfig(config);
  return config;
}

/** Everything wrong with a model of the identity backend, as `path: message`. */
function problemsOf(text: string): string[] {
  const config = polled(`backend: "identity" ${text}`);
  const found = [...modelConfigProblems(config), ...modelIoProblems(config)];
  normalizeInstanceGroups(config, 1);
  return [...found, ...instanceGroupProblems(config)].map(({ path, message }) => `${printFieldPath(path)}: ${message}`);
}

const control = (kind: string, more = '') => `control { kind: CONTROL_SEQUENCE_${kind} ${more} }`;
const INT = 'int32_false_true: [ 0, 1 ]';
const io = (kind: string, text: string) => `${kind} { name: "t" data_type: TYPE_FP32 ${text} }`;

const CASES: readonly [text: string, ...problems: string[]][] = [
  ['max_batch_size: -1', "max_batch_size: 'max_batch_size' must be non-negative value for m"],
  [
    'dynamic_batching { preferred_batch_size: [ 0, -1 ] }',
    ...[0, 1].map(
      (index) =>
        `dynamic_batching.preferred_batch_size[${index}]: dynamic batching preferred size must be positive for m`,
    ),
  ],
  [
    'max_batch_size: 4 dynamic_batching { preferred_batch_size: 5 }',
    'dynamic_batching.preferred_batch_size[0]: dynamic batching preferred size must be <= max batch size for m',
  ],
  [
    'dynamic_batching { priority_levels: 3 }',
    'dynamic_batching.default_priority_level: default priority level must be in range [1, 3] for m',
  ],
  [
    'dynamic_batching { priority_levels: 3 default_priority_level: 1 priority_queue_policy { key: 0 value {} } priority_queue_policy { key: 4 } }',
    'dynamic_batching.priority_queue_policy["0"]: priority queue policy must have priority level in range [1, 3] for m',
    'dynamic_batching.priority_queue_policy["4"]: priority queue policy must have priority level in range [1, 3] for m',
  ],
  [
    'dynamic_batching { preserve_ordering: true priority_levels: 2 default_priority_level: 1 }',
    "dynamic_batching.priority_levels: Only one priority level is allowed when 'preserve_ordering' is true for m",
  ],
  // A DELAY without a timeout never delays anything.
  ['dynamic_batching { preserve_ordering: true default_queue_policy { timeout_action: DELAY } }'],
  [
    'dynamic_batching { preserve_ordering: true default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 9 } }',
    "dynamic_batching.default_queue_policy: Queue policy can not have DELAY as timeout action when 'preserve_ordering' is true for m",
  ],
  [
    'sequence_batching { } response_cache { enable: true }',
    'response_cache: Response Cache does not currently support model m with sequence batching scheduler. Please disable the response cache.',
  ],
  [
    'model_transaction_policy { decoupled: true } response_cache { enable: true }',
    "response_cache: Response Cache does not currently support model m with 'decoupled' transaction policy. Please disable the response cache.",
  ],
  [
    `sequence_batching { control_input { ${control('START', INT)} } }`,
    'sequence_batching.control_input[0]: sequence batching control tensor must have a name for m',
  ],
  [
    `sequence_batching { control_input { name: "S" ${control('START', INT)} } control_input { name: "S" ${control('READY', INT)} } }`,
    "sequence_batching.control_input[1].name: sequence batching control tensor 'S' is specified for multiple control kinds for m",
  ],
  [
    `sequence_batching { control_input { name: "S" ${control('READY', INT)} ${control('READY', INT)} } }`,
    'sequence_batching.control_input[0].control[1]: sequence batching specifies multiple CONTROL_SEQUENCE_READY tensors for m',
  ],
  [
    `sequence_batching { control_input { name: "E" ${control('END')} } }`,
    "sequence_batching.control_input[0].control[0]: sequence batching must specify either 'int32_false_true', 'fp32_false_true' or 'bool_false_true' for CONTROL_SEQUENCE_END for m",
  ],
  [
    `sequence_batching { control_input { name: "E" ${control('END', `${INT} bool_false_true: [ false, true ]`)} } }`,
    "sequence_batching.control_input[0].control[0]: sequence batching specifies more than one from 'int32_false_true', 'fp32_false_true' and 'bool_false_true' for CONTROL_SEQUENCE_END for m",
  ],
  [
    `sequence_batching { control_input { name: "E" ${control('END', 'fp32_false_true: 1')} } }`,
    "sequence_batching.control_input[0].control[0].fp32_false_true: sequence batching control 'fp32_false_true' must have exactly 2 entries for CONTROL_SEQUENCE_END for m",
  ],
  [
    `sequence_batching { control_input { name: "I" ${control('CORRID', `data_type: TYPE_FP32 ${INT}`)} } }`,
    "sequence_batching.control_input[0].control[0]: sequence batching must not specify either 'int32_false_true', 'fp32_false_true' or 'bool_false_true' for CONTROL_SEQUENCE_CORRID for m",
    'sequence_batching.control_input[0].control[0].data_type: unexpected data type for control CONTROL_SEQUENCE_CORRID for m. Allowed data types are TYPE_UINT64, TYPE_INT64, TYPE_UINT32, TYPE_INT32 and TYPE_STRING',
  ],
  [
    'sequence_batching { direct { minimum_slot_utilization: 1.5 } }',
    'sequence_batching.direct.minimum_slot_utilization: sequence batching minimum slot utilization must be in range (0.0, 1.0] for m',
  ],
  [
    'max_batch_size: 2 sequence_batching { oldest { preferred_batch_size: [ 0, 3 ] } }',
    'sequence_batching.oldest.preferred_batch_size[0]: sequence batching preferred batch size must be positive for m',
    'sequence_batching.oldest.preferred_batch_size[1]: sequence batching preferred batch size must be <= max batch size for m',
  ],
  [
    'model_metrics { metric_control { } metric_control { metric_identifier { } histogram_options { } } }',
    "model_metrics.metric_control[0]: metric control must specify 'metric_identifier'",
    "model_metrics.metric_control[0]: metric control must specify 'histogram_options'",
    "model_metrics.metric_control[1].metric_identifier: metric identifier must specify non-empty 'family'",
    "model_metrics.metric_control[1].histogram_options: histogram options must specify non-empty 'buckets'",
  ],
  ['input { data_type: TYPE_FP32 dims: 1 }', "input[0]: model input must specify 'name' for m"],
  ['output { name: "t" dims: 1 }', "output[0]: model output 't' must specify 'data_type' for m"],
  [io('input', ''), "input[0]: model input 't' must specify 'dims' for m"],
  [
    io('output', 'dims: [ 1, 0 ]'),
    "output[0].dims[1]: model output 't' dimension must be integer >= 1, or -1 to indicate a variable-size dimension for m",
  ],
  [
    io('input', 'dims: 1 reshape { }'),
    "input[0].reshape: model input 't' cannot have empty reshape for non-batching model as scalar tensors are not supported for m",
  ],
  [`max_batch_size: 1 ${io('input', 'dims: 1 reshape { }')}`],
  [
    io('input', 'dims: 4 reshape { shape: [ 2, 0 ] }'),
    "input[0].reshape.shape[1]: model input 't' reshape dimensions must be integer >= 1, or -1 to indicate a variable-size dimension for m",
  ],
  [
    io('input', 'dims: 4 reshape { shape: [ 2, 3 ] }'),
    "input[0].reshape: model input 't' has different size for dims and reshape for m",
  ],
  [io('input', 'dims: [ 2, 4, -1, 6 ] reshape { shape: [ 8, -1, 1, 6 ] }')],
  [
    io('input', 'dims: [ 2, 4, -1, 6 ] reshape { shape: [ 4, -1, 1, 6 ] }'),
    "input[0].reshape: model input 't' has different size for dims and reshape for m",
  ],
  [
    io('input', 'dims: [ -1, 4 ] reshape { shape: [ -1, 2, -1 ] }'),
    "input[0].reshape: model input 't' has different number of variable-size dimensions for dims and reshape for m",
  ],
  [
    io('input', 'dims: [ 4294967296, 4294967296 ] reshape { shape: 1 }'),
    "input[0].dims: element count for tensor 't dims' exceeds maximum size of 9223372036854775807 for m",
  ],
  [io('input', 'dims: [ 2, 2 ] format: FORMAT_NHWC'), 'input[0].format: model input NHWC/NCHW require 3 dims for m'],
  [
    io('output', 'dims: 1 is_shape_tensor: true is_non_linear_format_io: true'),
    'output[0].is_shape_tensor: shape tensors are only supported for TensorRT platform for m',
    'output[0].is_non_linear_format_io: Non-linear IO format is only supported for the TensorRT platform for m',
  ],
  [
    `${io('input', 'dims: 1')} batch_input { kind: BATCH_ELEMENT_COUNT data_type: TYPE_INT64 source_input: [ "t", "u" ] }`,
    "batch_input[0].source_input: batch input kind 'BATCH_ELEMENT_COUNT' expects 1 source input, got 2 for m",
    'batch_input[0].data_type: batch input data type must be TYPE_INT32 or TYPE_FP32 for m',
    "batch_input[0].source_input[1]: unknown source input name 'u' for m",
  ],
  [
    `${io('input', 'dims: 1')} ${io('output', 'dims: 1')} batch_output { target_name: [ "t", "t", "v" ] source_input: "t" }`,
    "batch_output[0].target_name[1]: target output name 't' can only be specified once for m",
    "batch_output[0].target_name[2]: unknown target output name 'v' for m",
  ],
  [
    'instance_group [ { kind: KIND_GPU }, { kind: KIND_CPU gpus: 0 }, { kind: KIND_MODEL gpus: 0 }, { profile: "1" } ]',
    'instance_group[0].kind: instance group m_0 of model m has kind KIND_GPU but server does not support GPUs',
    'instance_group[1].gpus: instance group m_1 of model m has kind KIND_CPU but specifies one or more GPUs',
    'instance_group[2].gpus: instance group m_2 of model m has kind KIND_MODEL but specifies one or more GPUs',
    'instance_group[3].profile: instance group m_3 of model m and platform specifies profile field which is only supported for TensorRT models',
  ],
  [
    'instance_group { count: 2147483647 kind: KIND_CPU }',
    'instance_group[0].count: instance group m_0 of model m has count 2147483647, at most 4096 are supported',
  ],
];

describe('validation', () => {
  for (const [text, ...expected] of CASES) {
    it(expected.length === 0 ? `accepts ${text}` : `refuses ${text}`, () =>
      assert.deepEqual(problemsOf(text), expected),
    );
  }

  it('wants a platform and a backend that go together', () => {
    const problem = (text: string) => [...modelConfigProblems(polled(text))][0]?.message;
    assert.equal(problem('platform: "onnxruntim"'), "unexpected platform type 'onnxruntim' for m");
    assert.equal(
      problem('platform: "pytorch_libtorch" backend: "onnxruntime"'),
      "unexpected 'platform' and 'backend' pair, got:pytorch_libtorch, onnxruntime",
    );
    assert.equal(
      problem('platform: "ensemble" backend: "x"'),
      "Ensemble model 'm' must have platform type 'ensemble' and empty backend type",
    );
    assert.equal(problem('platform: "anything" backend: "mine"'), undefined);
    assert.equal(problem('platform: "libtorch"'), "unexpected 'platform' and 'backend' pair, got:libtorch, pytorch");
  });

  it('throws the first problem as a StatusError', () => {
    const config = polled('backend: "identity" max_batch_size: -1 dynamic_batching { preferred_batch_size: 0 }');
    assert.throws(
      () => validateModelConfig(config),
      (error) => {
        assert.ok(error instanceof StatusError);
        assert.deepEqual(
          [error.code, error.message],
          ['INVALID_ARG', "'max_batch_size' must be non-negative value for m"],
        );
        return true;
      },
    );
  });

  it('warns of metrics that cannot be customised', () => {
    const config = polled(
      'backend: "x" model_metrics { metric_control { metric_identifier { family: "other" } } metric_control { metric_identifier { family: "nv_inference_first_response_histogram_ms" } } }',
    );
    assert.deepEqual(metricsWarnings(config), [
      "Metric family 'other' in 'metric_identifier' is not a customizable metric in Triton core.",
    ]);
  });

  it('never fails otherwise than with a StatusError', async () => {
    const outcome = async (config: ModelConfig) => {
      autofillBackend('m.identity', undefined, config);
      normalizeModelConfig(config);
      await completeModelConfig(config, { defaultInstanceCount: 2 });
    };
    await fc.assert(
      fc.asyncProperty(arbitraryConfig(), async (config) => {
        await outcome(config).catch((error: unknown) => assert.ok(error instanceof StatusError, String(error)));
        for (const problem of modelConfigProblems(config)) assert.notEqual(problem.message, '');
        for (const problem of modelIoProblems(config)) assert.notEqual(problem.message, '');
      }),
      { numRuns: 300 },
    );
  });
});

describe('completion before a load', () => {
  it('checks instance groups, lets the backend complete, then checks the whole', async () => {
    const config = polled('backend: "identity" max_batch_size: 4 dynamic_batching { }');
    const seen: number[] = [];
    const complete = await completeModelConfig(config, {
      defaultInstanceCount: 2,
      autoComplete: async (before) => {
        seen.push(before.instanceGroup[0]?.count ?? 0);
        before.input.push(polled(`backend: "x" ${io('input', 'dims: 4')}`).input[0] as ModelConfig['input'][number]);
        return before;
      },
    });
    assert.deepEqual(seen, [2]);
    assert.equal(complete.input.length, 1);
    const bad = completeModelConfig(polled(`backend: "identity" ${io('input', '')}`), { defaultInstanceCount: 1 });
    await assert.rejects(bad, /model input 't' must specify 'dims' for m/);
  });

  it('knows no libraries but its own', async () => {
    const attempt = (runtime: string) =>
      completeModelConfig(polled(`backend: "identity" runtime: "${runtime}"`), { defaultInstanceCount: 1 });
    await attempt('libtriton_identity.so');
    await assert.rejects(attempt('nope'), /unable to find backend library 'nope' for model 'm'/);
    await assert.rejects(
      attempt('../x/libtriton_identity.so'),
      /backend library name '..\/x\/libtriton_identity.so' escapes backend directory/,
    );
  });
});
