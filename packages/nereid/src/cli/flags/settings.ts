import { FlagError, type FlagKind } from './kinds.ts';

/** Settings by owner (backend, cache, trace mode); those without an owner are under `''`. */
export type Settings = ReadonlyMap<string, ReadonlyMap<string, string>>;

export const NO_SETTINGS: Settings = new Map();

interface SettingsFormat {
  /** As error messages name it: `<backend name>`. */
  readonly owner: string;
  /** Whether `<setting>=<value>` without an owner is allowed. */
  readonly ownerless: boolean;
  /** As the message without owner begins. */
  readonly missingOwner?: string;
  /** The format stands in quotes also where the owner is missing. */
  readonly quoted?: boolean;
}

/** `<owner>,<setting>=<value>`, given any number of times. */
export function settings(format: SettingsFormat): FlagKind<Settings> {
  return {
    argument: '<string>,<string>=<string>',
    parse(text, previous, flagName) {
      const comma = text.indexOf(',');
      const equals = text.indexOf('=', comma + 1);
      if (comma === 0 || (comma < 0 && !format.ownerless)) {
        const either = format.ownerless ? ' or <setting>=<value>' : '';
        const quote = format.quoted === true ? "'" : '';
        throw new FlagError(
          `${format.missingOwner ?? ''}--${flagName} option format is ${quote}${format.owner},<setting>=<value>${quote}${either}. Got ${text}`,
        );
      }
      const setting = text.slice(comma + 1, Math.max(equals, 0));
      const value = text.slice(equals + 1);
      if (equals < 0 || setting === '' || value === '') {
        throw new FlagError(`--${flagName} option format is '${format.owner},<setting>=<value>'. Got ${text}`);
      }
      return withSetting(previous, comma < 0 ? '' : text.slice(0, comma), setting, value);
    },
  };
}

/** `<setting>=<value>`, given any number of times. */
export const PLAIN_SETTINGS: FlagKind<ReadonlyMap<string, string>> = {
  argument: '<string>=<string>',
  parse(text, previous, flagName) {
    const equals = text.indexOf('=');
    const setting = text.slice(0, Math.max(equals, 0));
    const value = text.slice(equals + 1);
    if (equals < 0 || setting === '' || value === '' || setting.includes(',')) {
      throw new FlagError(`--${flagName} option format is <setting>=<value>. Got ${text}`);
    }
    return new Map([...previous, [setting, value]]);
  },
};

function withSetting(previous: Settings, owner: string, setting: string, value: string): Settings {
  const own = new Map([...(previous.get(owner) ?? []), [setting, value]]);
  return new Map([...previous, [owner, own]]);
}

/** Groups of routes that `--http-restricted-api` can guard. */
export const RESTRICTED_CATEGORIES = [
  'health',
  'metadata',
  'inference',
  'shared-memory',
  'model-config',
  'model-repository',
  'statistics',
  'trace',
  'logging',
] as const;

export type RestrictedCategory = (typeof RESTRICTED_CATEGORIES)[number];

/** Category -> header and the value it must have. */
export type Restrictions = ReadonlyMap<RestrictedCategory, { readonly header: string; readonly value: string }>;

/** `<apis>:<key>=<value>`; `headerPrefix` is put before the key. */
export function restrictions(what: 'api' | 'protocol', headerPrefix: string): FlagKind<Restrictions> {
  return {
    argument: '<string>:<string>=<string>',
    parse(text, previous, flagName) {
      const colon = text.indexOf(':');
      const equals = text.indexOf('=', colon + 1);
      const names = text.slice(0, Math.max(colon, 0));
      const key = text.slice(colon + 1, Math.max(equals, 0));
      const value = text.slice(equals + 1);
      if (colon < 0 || equals < 0 || names === '' || key === '' || value === '') {
        throw new FlagError(`--${flagName} option format is '<config name>:<setting>=<value>'. Got ${text}`);
      }
      const result = new Map(previous);
      for (const name of names.split(',')) {
        const category = RESTRICTED_CATEGORIES.find((each) => each === name);
        if (category === undefined) throw new FlagError(`unknown restricted ${what} '${name}' `);
        if (result.has(category)) {
          throw new FlagError(`restricted ${what} '${name}' can not be specified in multiple config groups`);
        }
        result.set(category, { header: headerPrefix + key, value });
      }
      return result;
    },
  };
}

export interface RateLimitResource {
  readonly name: string;
  readonly count: number;
  /** Undefined: every device. */
  readonly device: number | undefined;
}

/** `<name>:<count>` or `<name>:<count>:<device>`, given any number of times. */
export const RATE_LIMIT_RESOURCES: FlagKind<readonly RateLimitResource[]> = {
  argument: '<string>:<integer>:<integer>',
  parse(text, previous) {
    const [name = '', count, device, ...rest] = text.split(':');
    if (count === undefined || rest.length > 0) {
      throw new FlagError(
        `--rate-limit-resource option format is '<resource_name>:<count>:<device>' or '<resource_name>:<count>'. Got ${text}`,
      );
    }
    return [
      ...previous,
      { name, count: resourceNumber(count), device: device === undefined ? undefined : resourceNumber(device) },
    ];
  },
};

function resourceNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new FlagError(`Invalid option value. Got ${text}`);
  return Number(text);
}
