import { FlagError, type FlagKind, flag, STRING } from './kinds.ts';
import { RESTRICTED_CATEGORIES, type RestrictedCategory } from './settings.ts';

export type GuardedApi = RestrictedCategory | 'metrics';

const GUARDED_APIS: readonly GuardedApi[] = [...RESTRICTED_CATEGORIES, 'metrics'];
const NO_APIS: ReadonlySet<GuardedApi> = new Set();

/** Names with commas between them, given any number of times. */
const API_NAMES: FlagKind<ReadonlySet<GuardedApi>> = {
  argument: '<string>',
  parse(text, previous) {
    const named = text.split(',').map((name) => {
      const api = GUARDED_APIS.find((each) => each === name);
      if (api === undefined) throw new FlagError(`unknown api '${name}'. There are: ${GUARDED_APIS.join(', ')}`);
      return api;
    });
    return new Set([...previous, ...named]);
  },
};

/** Who gets in, and TLS. These have no counterpart in Triton. */
export const SECURITY_FLAGS = {
  'auth-token-file': flag({
    group: 'Security',
    kind: STRING,
    default: '',
    defaultText: 'everybody gets in',
    help: 'File with the tokens that are let in, one a line, as bearer token or X-API-Key, on every port. It is read again when it changes.',
  }),
  'auth-public-api': flag({
    group: 'Security',
    kind: API_NAMES,
    default: NO_APIS,
    defaultText: 'none',
    help: `APIs that need no token all the same: ${GUARDED_APIS.join(', ')}.`,
  }),
  'http-tls-cert': flag({
    group: 'Security',
    kind: STRING,
    default: '',
    defaultText: 'no TLS',
    help: "PEM file with the server's certificate, for the HTTP and the metrics port. It is read again when it changes.",
  }),
  'http-tls-key': flag({
    group: 'Security',
    kind: STRING,
    default: '',
    help: 'PEM file with the key of --http-tls-cert.',
  }),
  'http-tls-client-ca': flag({
    group: 'Security',
    kind: STRING,
    default: '',
    defaultText: 'clients need no certificate',
    help: 'PEM file with the roots that have to have signed the certificates of clients.',
  }),
} as const;
