import type { CallOptions, ClientOptions } from '../api/index.ts';
import { invalidArgument } from '../errors/index.ts';

/** RFC 9110, section 5.6.2. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

type HeaderOptions = Pick<ClientOptions, 'headers' | 'bearerToken'>;

/** Headers of one call, names in lower case: the client's, the bearer token, then the call's own. */
export async function callHeaders(client: HeaderOptions, call: CallOptions): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  const add = (given: Readonly<Record<string, string>> | undefined): void => {
    for (const [name, value] of Object.entries(given ?? {})) {
      if (!TOKEN.test(name)) throw invalidArgument(`'${name}' is no name of a header`);
      if (!VALUE.test(value)) throw invalidArgument(`value of header '${name}' has characters that no header may have`);
      headers[name.toLowerCase()] = value;
    }
  };
  add(client.headers);
  const { bearerToken } = client;
  if (bearerToken !== undefined) {
    const token = typeof bearerToken === 'string' ? bearerToken : await bearerToken();
    add({ authorization: `Bearer ${token}` });
  }
  add(call.headers);
  return headers;
}
