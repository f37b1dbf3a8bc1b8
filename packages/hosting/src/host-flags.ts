// Nothing else is loaded here: every command reads the table, and only one of them starts a host.
import { HostOptionError } from './host-option-error.ts';
import type { HostOptions } from './host-options.ts';

/** One flag of `nereid host`, as a table row: a command-line parser and its help are made from it. */
export interface HostFlag {
  /** Without dashes, e.g. `data-dir`. */
  readonly name: string;
  /** `switch` takes no value; `list` may be given several times. */
  readonly kind: 'text' | 'number' | 'switch' | 'list';
  /** What help shows for the value, e.g. `<dir>`. */
  readonly placeholder?: string;
  /** What help shows as the default. */
  readonly defaultText?: string;
  readonly help: string;
}

export const hostFlags: readonly HostFlag[] = [
  {
    name: 'address',
    kind: 'text',
    placeholder: '<address>',
    defaultText: '127.0.0.1',
    help: 'Address to listen on. Any but loopback needs keys.',
  },
  {
    name: 'port',
    kind: 'number',
    placeholder: '<port>',
    defaultText: '9000',
    help: 'Port for all AWS APIs; 0 takes a free one.',
  },
  {
    name: 'data-dir',
    kind: 'text',
    placeholder: '<dir>',
    defaultText: '.nereid',
    help: 'Folder for everything the host keeps. One host at a time.',
  },
  {
    name: 'region',
    kind: 'text',
    placeholder: '<region>',
    defaultText: 'us-east-1',
    help: 'Region in ARNs. Clients may sign for any region.',
  },
  {
    name: 'account',
    kind: 'text',
    placeholder: '<id>',
    defaultText: '123456789012',
    help: 'Account in ARNs, twelve digits.',
  },
  {
    name: 'access-key',
    kind: 'text',
    placeholder: '<id>',
    help: 'Access key id that clients sign with. Default: AWS_ACCESS_KEY_ID, else a pair made at the first start on loopback.',
  },
  {
    name: 'secret-key',
    kind: 'text',
    placeholder: '<secret>',
    help: 'The secret that goes with --access-key. Default: AWS_SECRET_ACCESS_KEY.',
  },
  { name: 'keys-file', kind: 'text', placeholder: '<file>', help: 'Pairs of keys in the form of ~/.aws/credentials.' },
  {
    name: 'no-auth',
    kind: 'switch',
    help: 'Let everybody in without a signature. Loopback only; browsers are refused.',
  },
  {
    name: 's3-endpoint',
    kind: 'text',
    placeholder: '<url>',
    help: 'S3-compatible store for buckets that the embedded one has not.',
  },
  {
    name: 's3-access-key',
    kind: 'text',
    placeholder: '<id>',
    help: 'Access key id for --s3-endpoint. Default: the first pair of the host.',
  },
  { name: 's3-secret-key', kind: 'text', placeholder: '<secret>', help: 'Secret for --s3-endpoint.' },
  {
    name: 's3-domain',
    kind: 'list',
    placeholder: '<name>',
    help: 'Host name under which <bucket>.<name> addresses a bucket, beside localhost.',
  },
  {
    name: 'file-root',
    kind: 'list',
    placeholder: '<dir>',
    defaultText: 'on loopback: .',
    help: 'Folder that file:// model data may come from.',
  },
  {
    name: 'image',
    kind: 'list',
    placeholder: '<name=command>',
    help: "Command that stands for a container image, e.g. my-image='python serve.py --port {port}'. Words are divided by blanks.",
  },
  {
    name: 'launch-command',
    kind: 'text',
    placeholder: '<command>',
    defaultText: 'nereid serve',
    help: "Command that stands for Triton's images.",
  },
  {
    name: 'max-payload-bytes',
    kind: 'number',
    placeholder: '<bytes>',
    defaultText: '26214400',
    help: 'Largest request and response of an invocation.',
  },
  {
    name: 'invocation-timeout-secs',
    kind: 'number',
    placeholder: '<s>',
    defaultText: '60',
    help: 'How long a container may take to answer.',
  },
  {
    name: 'multi-model-bytes',
    kind: 'number',
    placeholder: '<bytes>',
    defaultText: 'half of the memory',
    help: 'Model files that one multi-model instance holds in memory; more unload the least recently used.',
  },
  {
    name: 'max-unpacked-bytes',
    kind: 'number',
    placeholder: '<bytes>',
    defaultText: '68719476736',
    help: 'Largest model archive after decompression.',
  },
  {
    name: 'max-archive-entries',
    kind: 'number',
    placeholder: '<n>',
    defaultText: '100000',
    help: 'Most files and folders in a model archive.',
  },
  { name: 'max-endpoints', kind: 'number', placeholder: '<n>', defaultText: '1000', help: 'Quota of endpoints.' },
  {
    name: 'max-instances',
    kind: 'number',
    placeholder: '<n>',
    defaultText: '64',
    help: 'Quota of instances of all endpoints together.',
  },
  {
    name: 'exit-timeout-secs',
    kind: 'number',
    placeholder: '<s>',
    defaultText: '30',
    help: 'Seconds between SIGTERM and SIGKILL for an instance.',
  },
];

/** Flag values as a parser hands them over, by flag name without dashes. */
export type HostFlagValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

class FlagReader {
  readonly #values: HostFlagValues;

  constructor(values: HostFlagValues) {
    this.#values = values;
  }

  text<Key extends string>(flag: string, key: Key): Partial<Record<Key, string>> {
    const value = this.#values[flag];
    return typeof value === 'string' ? ({ [key]: value } as Record<Key, string>) : {};
  }

  number<Key extends string>(flag: string, key: Key, factor = 1): Partial<Record<Key, number>> {
    const value = this.#values[flag];
    if (typeof value !== 'string') return {};
    if (!/^\d{1,15}$/.test(value)) throw new HostOptionError(`--${flag} '${value}' is not a whole number`);
    return { [key]: Number(value) * factor } as Record<Key, number>;
  }

  list(flag: string): readonly string[] | undefined {
    const value = this.#values[flag];
    if (typeof value === 'string') return [value];
    return Array.isArray(value) ? (value as readonly string[]) : undefined;
  }

  isSet(flag: string): boolean {
    return this.#values[flag] === true;
  }
}

function words(command: string): string[] {
  const parts = command.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  return parts.map((part) => part.replace(/^(["'])(.*)\1$/, '$2'));
}

function imageMap(entries: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf('=');
      const command = words(entry.slice(at + 1));
      if (at < 1 || command.length === 0)
        throw new HostOptionError(`--image '${entry}' is not of the form name=command`);
      return [entry.slice(0, at), command];
    }),
  );
}

/** Options of a host from flag values. Throws HostOptionError for values that are none. */
export function hostOptionsFrom(values: HostFlagValues): HostOptions {
  const flags = new FlagReader(values);
  const [domains, roots, images] = [flags.list('s3-domain'), flags.list('file-root'), flags.list('image')];
  const { command } = flags.text('launch-command', 'command');
  const limits = {
    ...flags.number('max-unpacked-bytes', 'maxUnpackedBytes'),
    ...flags.number('max-archive-entries', 'maxEntries'),
  };
  return {
    ...flags.text('address', 'address'),
    ...flags.number('port', 'port'),
    ...flags.text('data-dir', 'dataDirectory'),
    ...flags.text('region', 'region'),
    ...flags.text('account', 'accountId'),
    ...flags.text('access-key', 'accessKey'),
    ...flags.text('secret-key', 'secretKey'),
    ...flags.text('keys-file', 'keysFile'),
    ...(flags.isSet('no-auth') && { auth: false }),
    ...flags.text('s3-endpoint', 's3Endpoint'),
    ...flags.text('s3-access-key', 's3AccessKey'),
    ...flags.text('s3-secret-key', 's3SecretKey'),
    ...(domains && { s3Domains: domains }),
    ...(roots && { fileRoots: roots }),
    ...(images && { images: imageMap(images) }),
    ...(command !== undefined && { launchCommand: words(command) }),
    ...flags.number('max-payload-bytes', 'maxPayloadBytes'),
    ...flags.number('invocation-timeout-secs', 'invocationTimeoutMs', 1000),
    ...flags.number('multi-model-bytes', 'multiModelBytes'),
    ...flags.number('max-endpoints', 'maxEndpoints'),
    ...flags.number('max-instances', 'maxInstances'),
    ...flags.number('exit-timeout-secs', 'stopGraceMs', 1000),
    unpackLimits: limits,
  };
}
