import type { DescMessage } from '@bufbuild/protobuf';
import { ModelConfigSchema } from '@nereid/protocol/model-config';
import { ensembleSteps, KNOWN_PLATFORMS } from '../../config/index.ts';
import type { InspectedModel } from './inspected-model.ts';
import { nearestWord } from './nearest-word.ts';

type Models = ReadonlyMap<string, InspectedModel>;

/** A message of a problem, with the misspelled word in it, and where to look for what was meant. */
interface Rule {
  readonly pattern: RegExp;
  /** `groups` are those of the pattern; the misspelled word is the one named `word`. */
  readonly candidates: (
    groups: Readonly<Record<string, string>>,
    model: InspectedModel,
    models: Models,
  ) => Iterable<string>;
}

const RULES: readonly Rule[] = [
  {
    pattern: /^Message type "(?<type>[^"]+)" has no field named "(?<word>[^"]+)"\.$/,
    candidates: ({ type }) =>
      messages()
        .find(({ typeName }) => typeName === type)
        ?.fields.map(({ name }) => name) ?? [],
  },
  {
    pattern: /^Unknown enumeration value of "(?<word>[^"]+)" for field "(?<field>[^"]+)"\.$/,
    candidates: ({ field }) => enumerationValues(field),
  },
  { pattern: /^unexpected platform type '(?<word>.+)' for /, candidates: () => KNOWN_PLATFORMS },
  {
    pattern: /(mapping to|mapped from) non-existing (?<side>input|output) (?<word>.+) in model (?<step>.+)$/,
    candidates: ({ side, step }, _, models) => {
      const { config } = [...models.values()].find(({ name }) => name === step) ?? {};
      return (side === 'input' ? config?.input : config?.output)?.map(({ name }) => name) ?? [];
    },
  },
  {
    pattern: /contains models that are not available or ambiguous: (?<word>.+)$/,
    candidates: (_, __, models) => [...models.values()].map(({ id }) => id.name),
  },
  {
    pattern: /unexpected inference (input|output) '(?<word>.+)', allowed (inputs|outputs) are: (?<allowed>.+)$/,
    candidates: ({ allowed }) => allowed?.split(', ') ?? [],
  },
  {
    pattern: /^ensemble (tensor|input|output) '(?<word>.+)' (is unused in|for) ensemble /,
    candidates: (_, model) => ensembleTensors(model),
  },
];

/** What may have been meant by a name that there is not; undefined when the message is about something else, or nothing is near. */
export function hintFor(message: string, model: InspectedModel, models: Models): string | undefined {
  for (const { pattern, candidates } of RULES) {
    const groups = pattern.exec(message)?.groups;
    if (groups?.['word'] === undefined) continue;
    const meant = nearestWord(groups['word'], candidates(groups, model, models));
    return meant === undefined ? undefined : `did you mean "${meant}"?`;
  }
  return undefined;
}

/** Every message type of a configuration. */
function messages(): readonly DescMessage[] {
  const withNested = (message: DescMessage): DescMessage[] => [message, ...message.nestedMessages.flatMap(withNested)];
  return ModelConfigSchema.file.messages.flatMap(withNested);
}

function enumerationValues(fieldName: string | undefined): string[] {
  const fields = messages().flatMap((message) => message.fields.filter(({ name }) => name === fieldName));
  return fields.flatMap((field) => field.enum?.values.map(({ name }) => name) ?? []);
}

function ensembleTensors({ config }: InspectedModel): string[] {
  if (config === undefined) return [];
  const mapped = ensembleSteps(config).flatMap((step) => [step.inputMap, step.outputMap].flatMap(Object.values));
  return [...mapped, ...[...config.input, ...config.output].map(({ name }) => name)];
}
