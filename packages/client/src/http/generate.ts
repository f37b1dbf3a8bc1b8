import type { InferOptions } from '../api/index.ts';
import { InferenceServerError, invalidResponse } from '../errors/index.ts';
import { type HttpCall, type HttpCaller, MAX_JSON_BYTES } from './http-caller.ts';
import { parseJson } from './json.ts';
import { readBody } from './read-body.ts';
import { errorText } from './server-error.ts';
import { eventData } from './server-sent-events.ts';

/** A value that the generate extension takes: a scalar or a list for an input, a scalar for a parameter. */
export type GenerateValue = string | number | boolean | readonly GenerateValue[];

/** Inputs and parameters by name; `parameters` may hold more of them. */
export type GenerateRequest = Readonly<Record<string, GenerateValue | Readonly<Record<string, GenerateValue>>>>;

/** Outputs by name beside `model_name`, `model_version`, `id` and response parameters. Integers beyond 2^53 are bigints. */
export type GenerateResponse = Readonly<Record<string, unknown>>;

const encoder = new TextEncoder();

export async function generate(
  caller: HttpCaller,
  path: string,
  request: GenerateRequest,
  options: InferOptions,
): Promise<GenerateResponse> {
  return await caller.call(generateCall(path, request, options, 'application/json'), options, async (response) => {
    const body = await readBody(response, { maxBytes: Math.min(MAX_JSON_BYTES, caller.maxResponseBytes) });
    return toResponse(body, response.status);
  });
}

export async function* generateStream(
  caller: HttpCaller,
  path: string,
  request: GenerateRequest,
  options: InferOptions,
): AsyncGenerator<GenerateResponse, void, undefined> {
  const scope = caller.open(options);
  try {
    const call = generateCall(path, request, options, 'text/event-stream');
    const response = await caller.attempt(call, options, scope, async (answer) => answer);
    try {
      const maxBytes = Math.min(MAX_JSON_BYTES, caller.maxResponseBytes);
      for await (const event of eventData(response.body, maxBytes)) yield toResponse(event, response.status);
    } finally {
      response.cancel();
    }
  } catch (error) {
    throw scope.failure(error);
  } finally {
    scope.end();
  }
}

function generateCall(path: string, request: GenerateRequest, options: InferOptions, accept: string): HttpCall {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', accept, 'accept-encoding': 'identity' },
    body: [encoder.encode(JSON.stringify(request))],
    idempotent: options.idempotent ?? false,
  };
}

/** An error may come with status 200, when the first response was none: an object with `error` and no model's name. */
function toResponse(body: Uint8Array, status: number): GenerateResponse {
  const value = parseJson(body, 'response') as Record<string, unknown> | null;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidResponse('the response is no object', { status });
  }
  if ('error' in value && !('model_name' in value)) {
    throw new InferenceServerError('UNKNOWN', errorText(body) ?? JSON.stringify(value['error']), { status });
  }
  return value;
}
