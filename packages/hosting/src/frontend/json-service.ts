import type { ServerResponse } from 'node:http';
import { ServiceError, validationException } from '../errors.ts';
import {
  InputValidator,
  knownMembers,
  type ServiceModel,
  validationMessage,
  WrongTypeError,
} from '../service-model/index.ts';
import { jsonFailure, sendJsonError } from './json-errors.ts';
import type { WireRequest, WireService } from './wire.ts';

/** An operation takes its checked input and gives its output; undefined means an empty answer. */
export type JsonOperation = (input: Readonly<Record<string, unknown>>) => unknown;

export interface JsonServiceOptions {
  /** What stands before the dot in `X-Amz-Target`. */
  readonly targetPrefix: string;
  readonly model: ServiceModel;
  readonly operations: ReadonlyMap<string, JsonOperation>;
  readonly maxBodyBytes: number;
}

/** AWS's JSON 1.1 protocol: `POST /`, the operation in `X-Amz-Target`, input and output as JSON. */
export class JsonService implements WireService {
  readonly #options: JsonServiceOptions;
  readonly #validator: InputValidator;

  constructor(options: JsonServiceOptions) {
    this.#options = options;
    this.#validator = new InputValidator(options.model);
  }

  async handle(request: WireRequest, response: ServerResponse): Promise<void> {
    const target = request.headers['x-amz-target'];
    const name = typeof target === 'string' ? target : '';
    const { maxBodyBytes, operations, targetPrefix } = this.#options;
    const body = await request.body.bytes(
      maxBodyBytes,
      () =>
        new ServiceError('RequestEntityTooLarge', `The request body is larger than ${maxBodyBytes} bytes.`, {
          httpStatus: 413,
        }),
    );
    const operation = name.startsWith(`${targetPrefix}.`) ? name.slice(targetPrefix.length + 1) : '';
    const run = operations.get(operation);
    if (!run || request.method !== 'POST') {
      throw new ServiceError(
        'UnknownOperationException',
        `This host does not serve the operation '${name.slice(0, 128)}'.`,
      );
    }
    const output = await run(this.#parse(operation, body));
    const text = output === undefined ? '' : JSON.stringify(output);
    response.writeHead(200, {
      'content-type': 'application/x-amz-json-1.1',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  }

  fail(_request: { readonly id: string }, response: ServerResponse, error: unknown): void {
    sendJsonError(response, jsonFailure(error), 'message');
  }

  #parse(operation: string, body: Buffer): Readonly<Record<string, unknown>> {
    let input: unknown;
    try {
      input = body.length === 0 ? {} : JSON.parse(body.toString('utf8'));
    } catch (error) {
      throw new ServiceError('SerializationException', 'The request body is not valid JSON.', { cause: error });
    }
    let problems: string[];
    try {
      problems = this.#validator.problems(operation, input);
    } catch (error) {
      if (!(error instanceof WrongTypeError)) throw error;
      throw new ServiceError('SerializationException', error.message, { cause: error });
    }
    if (problems.length > 0) throw validationException(validationMessage(problems));
    const { model } = this.#options;
    return knownMembers(model, model.operations[operation]?.input ?? '', input) as Record<string, unknown>;
  }
}
