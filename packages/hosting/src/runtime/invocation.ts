import type { IncomingHttpHeaders } from 'node:http';
import { validationError } from '../errors.ts';
import {
  InputValidator,
  RUNTIME_MODEL,
  type ShapeRef,
  validationMessage,
  WrongTypeError,
} from '../service-model/index.ts';

export type InvokeOperation = 'InvokeEndpoint' | 'InvokeEndpointWithResponseStream' | 'InvokeEndpointAsync';

/** The members of an invocation that travel in headers and path, by their names in the API. */
export interface Invocation {
  readonly EndpointName: string;
  readonly ContentType?: string;
  readonly Accept?: string;
  readonly CustomAttributes?: string;
  readonly TargetModel?: string;
  readonly TargetVariant?: string;
  readonly TargetContainerHostname?: string;
  readonly InferenceId?: string;
  readonly EnableExplanations?: string;
  readonly InferenceComponentName?: string;
  readonly SessionId?: string;
  readonly InputLocation?: string;
  readonly S3OutputPathExtension?: string;
  readonly Filename?: string;
  readonly RequestTTLSeconds?: number;
  readonly InvocationTimeoutSeconds?: number;
}

interface Member {
  readonly name: string;
  readonly header: string;
  readonly isNumber: boolean;
}

/** Reads invocations the way the service model binds them to HTTP, and checks them against it. */
export class InvocationReader {
  readonly #validator = new InputValidator(RUNTIME_MODEL);
  readonly #members = new Map<InvokeOperation, readonly Member[]>();

  /** Throws ValidationError with AWS's message. */
  read(operation: InvokeOperation, endpointName: string, headers: IncomingHttpHeaders): Invocation {
    const input: Record<string, string | number> = { EndpointName: endpointName };
    for (const { name, header, isNumber } of this.#membersOf(operation)) {
      const value = headers[header];
      if (typeof value !== 'string') continue;
      input[name] = isNumber ? Number(value) : value;
    }
    let problems: string[];
    try {
      problems = this.#validator.problems(operation, input);
    } catch (error) {
      if (!(error instanceof WrongTypeError)) throw error;
      problems = [error.message];
    }
    if (problems.length > 0) throw validationError(validationMessage(problems));
    return input as unknown as Invocation;
  }

  #membersOf(operation: InvokeOperation): readonly Member[] {
    const known = this.#members.get(operation);
    if (known) return known;
    const shape = RUNTIME_MODEL.shapes[RUNTIME_MODEL.operations[operation]?.input ?? ''];
    const bound = Object.entries(shape?.members ?? {}).filter(([, ref]) => ref.location === 'header');
    const members = bound.map(([name, ref]: [string, ShapeRef]) => ({
      name,
      header: (ref.locationName ?? name).toLowerCase(),
      isNumber: RUNTIME_MODEL.shapes[ref.shape]?.type === 'integer',
    }));
    this.#members.set(operation, members);
    return members;
  }
}
