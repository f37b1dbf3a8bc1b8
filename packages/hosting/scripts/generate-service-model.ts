/**
 * Writes `src/service-model/gen/*.json`: the input shapes and constraints of the operations that the host serves, taken from the service
 * models which AWS publishes inside the Python package `botocore` (Apache-2.0). Documentation texts are left out.
 *
 * usage: node packages/hosting/scripts/generate-service-model.ts <site-packages>/botocore/data
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

interface Ref {
  shape: string;
  location?: string;
  locationName?: string;
}

interface BotoShape {
  type: string;
  members?: Record<string, Ref>;
  member?: Ref;
  key?: Ref;
  value?: Ref;
  [constraint: string]: unknown;
}

interface BotoModel {
  operations: Record<string, { http: { method: string; requestUri: string }; input?: Ref }>;
  shapes: Record<string, BotoShape>;
}

const SERVICES = [
  {
    source: 'sagemaker/2017-07-24/service-2.json.gz',
    target: 'sagemaker.json',
    operations: [
      ...['CreateModel', 'DescribeModel', 'DeleteModel', 'ListModels'],
      ...['CreateEndpointConfig', 'DescribeEndpointConfig', 'DeleteEndpointConfig', 'ListEndpointConfigs'],
      ...['CreateEndpoint', 'DescribeEndpoint', 'UpdateEndpoint', 'DeleteEndpoint', 'ListEndpoints'],
      ...['UpdateEndpointWeightsAndCapacities', 'AddTags', 'ListTags', 'DeleteTags'],
    ],
  },
  {
    source: 'sagemaker-runtime/2017-05-13/service-2.json.gz',
    target: 'sagemaker-runtime.json',
    operations: ['InvokeEndpoint', 'InvokeEndpointAsync', 'InvokeEndpointWithResponseStream'],
  },
];

const KEPT = ['type', 'required', 'enum', 'min', 'max', 'pattern'];

function compactRef(ref: Ref): Ref {
  const { shape, location, locationName } = ref;
  return { shape, ...(location && { location }), ...(locationName && { locationName }) };
}

function compactShape(shape: BotoShape): BotoShape {
  const out: BotoShape = { type: shape.type };
  for (const name of KEPT) if (shape[name] !== undefined) out[name] = shape[name];
  if (shape.members) {
    out.members = Object.fromEntries(Object.entries(shape.members).map(([name, ref]) => [name, compactRef(ref)]));
  }
  for (const name of ['member', 'key', 'value'] as const) {
    if (shape[name]) out[name] = compactRef(shape[name]);
  }
  return out;
}

function extract(model: BotoModel, operations: readonly string[]): unknown {
  const shapes: Record<string, BotoShape> = {};
  const visit = (name: string): void => {
    if (shapes[name]) return;
    const shape = model.shapes[name];
    if (!shape) throw new Error(`the service model has no shape ${name}`);
    shapes[name] = compactShape(shape);
    for (const ref of Object.values(shape.members ?? {})) visit(ref.shape);
    for (const ref of [shape.member, shape.key, shape.value]) if (ref) visit(ref.shape);
  };
  const chosen: Record<string, { input: string }> = {};
  for (const name of operations) {
    const input = model.operations[name]?.input;
    if (!input) throw new Error(`the service model has no operation ${name} with an input`);
    chosen[name] = { input: input.shape };
    visit(input.shape);
  }
  return { operations: chosen, shapes };
}

const [dataDirectory] = process.argv.slice(2);
if (!dataDirectory) {
  process.stderr.write('usage: generate-service-model.ts <site-packages>/botocore/data\n');
  process.exit(2);
}
for (const service of SERVICES) {
  const packed = await readFile(join(dataDirectory, service.source));
  const model = JSON.parse(gunzipSync(packed).toString('utf8')) as BotoModel;
  const target = join(import.meta.dirname, '../src/service-model/gen', service.target);
  await writeFile(target, `${JSON.stringify(extract(model, service.operations), null, 1)}\n`);
}
