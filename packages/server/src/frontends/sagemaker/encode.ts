import { JSON_TYPE } from '../wire/reply.ts';
import { BINARY_TYPE } from './headers.ts';

const JSON_HEADERS: readonly string[] = ['Content-Type', JSON_TYPE];

/** Headers of an inference answer; `jsonBytes` is set when binary outputs stand behind the JSON. */
export function responseHeaders(jsonBytes: number | undefined): readonly string[] {
  return jsonBytes === undefined ? JSON_HEADERS : ['Content-Type', `${BINARY_TYPE}${jsonBytes}`];
}
