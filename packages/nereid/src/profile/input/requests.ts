import type { LoadTarget } from '../load/target.ts';
import type { Random } from '../random.ts';
import type { ServerApi } from '../server-api.ts';
import { type Item, readDataFile } from './data-file.ts';
import type { ModelDescription } from './model-inputs.ts';
import { randomBytes, zeroBytes } from './tensor-bytes.ts';

/** `zero`, `random`, or the path of a file. */
export type InputSource = string;

export interface RequestOptions {
  readonly source: InputSource;
  readonly batchSize: number;
  /** Requests of a sequence, for models with sequence batching. */
  readonly sequenceLength: number;
  readonly random: Random;
}

/** Different random requests; enough that no cache or branch predictor learns them. */
const RANDOM_REQUESTS = 16;
/** Sequences of one run have ids from here on. */
const FIRST_SEQUENCE_RANGE = 2 ** 32;

/**
 * Prepares the requests of a load: data made once, tensors in binary, outputs asked for in binary.
 * @throws Error for a batch that the model does not take and for data that does not fit
 */
export function makeTarget(api: ServerApi, model: ModelDescription, options: RequestOptions): LoadTarget {
  const { batchSize, sequenceLength, random } = options;
  if (batchSize > Math.max(1, model.maxBatchSize)) {
    throw new Error(`batch size ${batchSize} is more than the model's ${Math.max(1, model.maxBatchSize)}`);
  }
  const bodies = batches(items(model, options), batchSize).map((batch) => encodeBatch(model, batch, batchSize));
  const { host, port } = api;
  const path = `${api.modelPath}/infer`;
  if (!model.isSequence) {
    const requests = bodies.map((body) => httpRequest(path, body, {}));
    return { host, port, request: (client, index) => requests[(client + index) % requests.length]! };
  }
  const firstId = Math.floor(random() * FIRST_SEQUENCE_RANGE) + 1;
  return {
    host,
    port,
    request(client, index) {
      const position = index % sequenceLength;
      const parameters = {
        sequence_id: firstId + client * FIRST_SEQUENCE_RANGE + Math.floor(index / sequenceLength),
        sequence_start: position === 0,
        sequence_end: position === sequenceLength - 1,
      };
      return httpRequest(path, bodies[(client + index) % bodies.length]!, parameters);
    },
  };
}

function items({ inputs }: ModelDescription, { source, batchSize, random }: RequestOptions): Item[] {
  if (source !== 'zero' && source !== 'random') return readDataFile(source, inputs);
  const count = source === 'zero' ? batchSize : RANDOM_REQUESTS * batchSize;
  return Array.from({ length: count }, () => {
    return new Map(
      inputs.map(({ name, datatype, shape }) => {
        const elements = shape.reduce((product, dim) => product * dim, 1);
        return [name, source === 'zero' ? zeroBytes(datatype, elements) : randomBytes(datatype, elements, random)];
      }),
    );
  });
}

/** Items in groups of `size`, beginning again at the front until each item had its place. */
function batches(all: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, batch) =>
    Array.from({ length: size }, (_, index) => all[(batch * size + index) % all.length]!),
  );
}

interface Body {
  readonly inputs: readonly object[];
  readonly data: Uint8Array;
}

function encodeBatch({ inputs, maxBatchSize }: ModelDescription, batch: readonly Item[], batchSize: number): Body {
  const parts: Uint8Array[] = [];
  const headers = inputs.map(({ name, datatype, shape }) => {
    const data = Buffer.concat(batch.map((item) => item.get(name)!));
    parts.push(data);
    return {
      name,
      datatype,
      shape: maxBatchSize > 0 ? [batchSize, ...shape] : shape,
      parameters: { binary_data_size: data.byteLength },
    };
  });
  return { inputs: headers, data: Buffer.concat(parts) };
}

function httpRequest(path: string, { inputs, data }: Body, parameters: object): Uint8Array {
  const header = JSON.stringify({ parameters: { binary_data_output: true, ...parameters }, inputs });
  const headerLength = Buffer.byteLength(header);
  const lines = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/octet-stream',
    `Inference-Header-Content-Length: ${headerLength}`,
    `Content-Length: ${headerLength + data.byteLength}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n${header}`), data]);
}
