import { request as httpRequest } from 'node:http';
import type { ContractRequest, ContractTensor, Value } from './cases.ts';
import { type PlainAnswer, toBytes } from './values.ts';

interface JsonAnswer {
  readonly error?: string;
  readonly id?: string;
  readonly model_name: string;
  readonly model_version: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly parameters: { readonly binary_data_size: number };
  }[];
}

/** Sends a request over HTTP, contents as JSON or as binary; outputs are asked for as bytes either way. */
export async function overHttp(port: number, request: ContractRequest, binary: boolean): Promise<PlainAnswer> {
  const contents = request.inputs.map(({ dataType, values }) => toBytes(dataType, values));
  const head = Buffer.from(
    json({
      ...(request.id === undefined ? {} : { id: request.id }),
      parameters: { ...request.parameters, binary_data_output: true },
      inputs: request.inputs.map((input, index) => jsonInput(input, binary ? contents[index]!.length : undefined)),
      ...(request.outputs === undefined ? {} : { outputs: request.outputs.map(jsonOutput) }),
    }),
  );
  const body = binary ? Buffer.concat([head, ...contents]) : head;
  const version = request.version === undefined ? '' : `/versions/${request.version}`;
  const answer = await post(port, `/v2/models/${request.model}${version}/infer`, body, {
    'Inference-Header-Content-Length': String(head.length),
  });
  const jsonLength = Number(answer.headers['inference-header-content-length'] ?? answer.body.length);
  const parsed = JSON.parse(answer.body.subarray(0, jsonLength).toString()) as JsonAnswer;
  if (answer.status !== 200) return { status: answer.status, message: parsed.error ?? '' };
  let offset = jsonLength;
  const outputs = parsed.outputs.map(({ name, datatype, shape, parameters }) => {
    const bytes = answer.body.subarray(offset, offset + parameters.binary_data_size);
    offset += bytes.length;
    return { name, dataType: datatype, shape, bytes: bytes.toString('hex') };
  });
  return { model: parsed.model_name, version: parsed.model_version, id: parsed.id ?? '', outputs };
}

function jsonInput({ name, dataType, shape, values }: ContractTensor, binaryBytes: number | undefined): unknown {
  const contents = binaryBytes === undefined ? { data: values } : { parameters: { binary_data_size: binaryBytes } };
  return { name, datatype: dataType, shape, ...contents };
}

function jsonOutput({ name, classes }: { readonly name: string; readonly classes?: number }): unknown {
  return { name, parameters: { binary_data: true, ...(classes === undefined ? {} : { classification: classes }) } };
}

/** JSON with integers of 64 bits, and in arrays of data numbers as they are. */
function json(value: unknown): string {
  const text = JSON.stringify(value, (_name, member: Value) =>
    typeof member === 'bigint' ? `bigint:${member}` : member,
  );
  return text.replace(/"bigint:(-?\d+)"/g, '$1');
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export function get(port: number, path: string): Promise<HttpAnswer> {
  return call(port, path, 'GET', undefined, {});
}

function post(port: number, path: string, body: Buffer, headers: Record<string, string>): Promise<HttpAnswer> {
  return call(port, path, 'POST', body, headers);
}

function call(
  port: number,
  path: string,
  method: string,
  body: Buffer | undefined,
  headers: Record<string, string>,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const req = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (res) => {
    const chunks: Buffer[] = [];
    res.on('data', (chunk: Buffer) => chunks.push(chunk));
    res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }));
  });
  req.on('error', reject);
  req.end(body);
  return promise;
}
