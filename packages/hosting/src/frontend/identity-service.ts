import type { ServerResponse } from 'node:http';
import { ServiceError } from '../errors.ts';
import { jsonFailure } from './json-errors.ts';
import { queryPairs } from './sigv4/index.ts';
import type { WireRequest, WireService } from './wire.ts';

const MAX_BODY_BYTES = 64 * 1024;
const NAMESPACES = {
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
};

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/**
 * The two look-ups that SageMaker's SDKs make before anything else: STS `GetCallerIdentity` and IAM `GetRole`, in AWS's query protocol (form in, XML out).
 */
export class IdentityService implements WireService {
  readonly #accountId: string;

  constructor(accountId: string) {
    this.#accountId = accountId;
  }

  async handle(request: WireRequest, response: ServerResponse): Promise<void> {
    const body = await request.body.bytes(
      MAX_BODY_BYTES,
      () => new ServiceError('RequestEntityTooLarge', 'The request body is too large.', { httpStatus: 413 }),
    );
    const form = new Map(queryPairs(body.toString('latin1').replaceAll('+', '%20')));
    for (const [name, value] of queryPairs(request.rawQuery)) form.set(name, value);
    const action = form.get('Action') ?? '';
    switch (action) {
      case 'GetCallerIdentity':
        this.#send(request, response, 'sts', action, [
          ['Arn', `arn:aws:iam::${this.#accountId}:user/nereid`],
          ['UserId', 'AIDANEREIDHOSTUSER'],
          ['Account', this.#accountId],
        ]);
        return;
      case 'GetRole':
        this.#sendRole(request, response, form.get('RoleName') ?? '');
        return;
      default:
        throw new ServiceError('InvalidAction', `Could not find operation ${action.slice(0, 64)}`);
    }
  }

  fail(request: { readonly id: string }, response: ServerResponse, error: unknown): void {
    const failure = jsonFailure(error);
    const code = failure.code.replace(/Exception$/, '');
    const fault = failure.httpStatus < 500 ? 'Sender' : 'Receiver';
    const body = `<ErrorResponse xmlns="${NAMESPACES.sts}"><Error><Type>${fault}</Type><Code>${escapeXml(code)}</Code><Message>${escapeXml(failure.message)}</Message></Error><RequestId>${request.id}</RequestId></ErrorResponse>`;
    send(response, failure.httpStatus, body);
  }

  #sendRole(request: WireRequest, response: ServerResponse, name: string): void {
    if (!/^[\w+=,.@-]{1,64}$/.test(name)) {
      throw new ServiceError('ValidationError', 'The specified value for roleName is invalid.');
    }
    this.#send(request, response, 'iam', 'GetRole', [
      [
        'Role',
        [
          ['Path', '/'],
          ['RoleName', name],
          ['RoleId', 'AROANEREIDHOSTROLE'],
          ['Arn', `arn:aws:iam::${this.#accountId}:role/${name}`],
          ['CreateDate', '2024-01-01T00:00:00Z'],
        ],
      ],
    ]);
  }

  #send(
    request: WireRequest,
    response: ServerResponse,
    service: 'sts' | 'iam',
    action: string,
    members: Members,
  ): void {
    const body = `<${action}Response xmlns="${NAMESPACES[service]}"><${action}Result>${render(members)}</${action}Result><ResponseMetadata><RequestId>${request.id}</RequestId></ResponseMetadata></${action}Response>`;
    send(response, 200, body);
  }
}

type Members = readonly (readonly [string, string | Members])[];

function render(members: Members): string {
  return members
    .map(([name, value]) => `<${name}>${typeof value === 'string' ? escapeXml(value) : render(value)}</${name}>`)
    .join('');
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
