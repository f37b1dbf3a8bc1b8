import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toText } from '@bufbuild/protobuf/txtpb';
import { type ModelConfig, ModelConfigSchema } from '@nereid/protocol/model-config';
import { autofillBackend, type DirectoryListing } from './autofill.ts';
import { normalizeInstanceGroups } from './instance-group.ts';
import { normalizeModelConfig } from './normalize.ts';
import { modelSignature } from './signature.ts';
import { parseModelConfigText } from './text/parser.ts';

function filled(text: string, files: Readonly<Record<string, 'file' | 'directory'>> = {}, name = 'm'): string {
  const config = parseModelConfigText(text);
  const listing: DirectoryListing = new Map(Object.entries(files));
  autofillBackend(name, listing, config);
  return [config.backend, config.platform, config.defaultModelFilename].join(' ');
}

describe('auto-fill', () => {
  it('tells the backend from the files of the version', () => {
    assert.equal(filled('', { 'model.savedmodel': 'directory' }), 'tensorflow tensorflow_savedmodel model.savedmodel');
    assert.equal(filled('', { 'model.graphdef': 'file' }), 'tensorflow tensorflow_graphdef model.graphdef');
    assert.equal(filled('', { 'model.plan': 'file' }), 'tensorrt tensorrt_plan model.plan');
    assert.equal(filled('', { 'model.onnx': 'file', 'model.pt': 'file' }), 'onnxruntime onnxruntime_onnx model.onnx');
    assert.equal(filled('', { 'model.onnx': 'directory' }), 'onnxruntime onnxruntime_onnx model.onnx');
    assert.equal(filled('', { 'model.xml': 'file' }), 'openvino  model.xml');
    assert.equal(filled('', { 'model.pt': 'file' }), 'pytorch pytorch_libtorch ');
    assert.equal(filled('', { 'model.pt2': 'file' }), 'pytorch torch_aoti model.pt2');
    assert.equal(filled('', { 'model.py': 'file' }), 'python  model.py');
  });

  it('tells one field from another', () => {
    assert.equal(filled('platform: "onnxruntime_onnx"'), 'onnxruntime onnxruntime_onnx model.onnx');
    assert.equal(filled('platform: "tensorflow_savedmodel"'), 'tensorflow tensorflow_savedmodel model.savedmodel');
    assert.equal(filled('default_model_filename: "model.graphdef"'), 'tensorflow tensorflow_graphdef model.graphdef');
    assert.equal(
      filled('backend: "onnxruntime" default_model_filename: "other.onnx"'),
      'onnxruntime onnxruntime_onnx other.onnx',
    );
    assert.equal(filled('backend: "pytorch"'), 'pytorch pytorch_libtorch model.pt');
    assert.equal(filled('backend: "python"'), 'python  model.py');
    assert.equal(filled('backend: "dali"', { 'model.onnx': 'file' }), 'dali  ');
    assert.equal(filled('platform: "ensemble"', { 'model.onnx': 'file' }), ' ensemble ');
  });

  it('takes the backend from the name as a last resort', () => {
    assert.equal(filled('', {}, 'my.identity'), 'identity  model.identity');
    assert.throws(
      () => filled('max_batch_size: 1', { 'model.graphdef': 'directory', 'readme.txt': 'file' }),
      /Invalid model name: Could not determine backend for model 'm' with no backend in model configuration\. Expected model name of the form 'model\.<backend_name>'\./,
    );
  });
});

describe('normalisation', () => {
  it('puts in what Triton puts in, once', () => {
    const config = parseModelConfigText(
      'name: "m" backend: "b" max_batch_size: 8 dynamic_batching { } instance_group [ { }, { name: "own" kind: KIND_MODEL }, { count: 3 } ]',
    );
    for (let time = 0; time < 2; time++) {
      normalizeModelConfig(config);
      normalizeInstanceGroups(config, 2);
    }
    assert.equal(
      toText(ModelConfigSchema, config).replace(/\s+/g, ' ').trim(),
      'name: "m" backend: "b" version_policy: { latest: { num_versions: 1 } } max_batch_size: 8 ' +
        'optimization: { input_pinned_memory: { enable: true } output_pinned_memory: { enable: true } } ' +
        'dynamic_batching: { preferred_batch_size: 8 } instance_group: { name: "m_0" kind: KIND_CPU count: 2 } ' +
        'instance_group: { name: "own" kind: KIND_MODEL count: 1 } instance_group: { name: "m_2" kind: KIND_CPU count: 3 }',
    );
  });

  it('fills sequence batching, and leaves ensembles alone', () => {
    const sequences = parseModelConfigText('name: "m" backend: "b" max_batch_size: 8 sequence_batching { oldest { } }');
    normalizeModelConfig(sequences);
    const batching = sequences.schedulingChoice;
    assert.ok(batching.case === 'sequenceBatching' && batching.value.strategyChoice.case === 'oldest');
    assert.equal(batching.value.maxSequenceIdleMicroseconds, 1_000_000n);
    assert.deepEqual(batching.value.strategyChoice.value.preferredBatchSize, [8]);
    const ensemble: ModelConfig = parseModelConfigText('name: "e" platform: "ensemble" ensemble_scheduling { }');
    normalizeModelConfig(ensemble);
    normalizeInstanceGroups(ensemble, 2);
    assert.equal(ensemble.optimization, undefined);
    assert.deepEqual(ensemble.instanceGroup, []);
  });
});

describe('the signature of a model', () => {
  it('has what requests are checked against', () => {
    const signature = modelSignature(
      parseModelConfigText(`max_batch_size: 2 model_transaction_policy { decoupled: true }
input [ { name: "a" data_type: TYPE_STRING dims: [ -1, 2 ] optional: true }, { name: "b" data_type: TYPE_BF16 dims: 4 reshape { shape: [ 2, 2 ] } } ]
output { name: "o" data_type: TYPE_FP32 dims: 1 reshape { shape: 1 } }`),
    );
    const plain = { reshape: undefined, optional: false, allowRaggedBatch: false };
    assert.deepEqual(signature.inputs, [
      { ...plain, name: 'a', dataType: 'BYTES', dims: [-1, 2], optional: true },
      { ...plain, name: 'b', dataType: 'BF16', dims: [4], reshape: [2, 2] },
    ]);
    assert.deepEqual(signature.outputs, [{ ...plain, name: 'o', dataType: 'FP32', dims: [1] }]);
    assert.equal(signature.inputIndex.get('b'), 1);
    assert.equal(signature.maxBatchSize, 2);
    assert.equal(signature.decoupled, true);
  });

  it('refuses what no tensor can be', () => {
    const of = (text: string) => () => modelSignature(parseModelConfigText(text));
    assert.throws(
      of('input { name: "a" data_type: TYPE_FP32 dims: 9007199254740993 }'),
      /element count for tensor 'a' exceeds/,
    );
    assert.throws(of('output { name: "a" dims: 1 }'), /tensor 'a' must specify 'data_type'/);
  });
});
