import type { FieldPath, ModelConfig } from '../../config/index.ts';

/**
 * The field of a configuration that a backend's message is about, told by the names the message quotes: an input or output, the model file,
 * the backend, a parameter's value. Undefined when it quotes none of them, as for a model file that is damaged.
 */
export function blamedField(config: ModelConfig, message: string): FieldPath | undefined {
  const quoted = new Set([...message.matchAll(/'([^']+)'/g)].map(([, name]) => name));
  return (
    tensorField(config, message, quoted) ??
    (quoted.has(config.defaultModelFilename) || namesModelFile(config, message)
      ? ['default_model_filename']
      : undefined) ??
    (message.includes(`backend '${config.backend}'`) ? [config.platform === '' ? 'backend' : 'platform'] : undefined) ??
    parameterField(config, quoted)
  );
}

function tensorField(
  config: ModelConfig,
  message: string,
  quoted: ReadonlySet<string | undefined>,
): FieldPath | undefined {
  const field = /data-?\s?type/.test(message) ? 'data_type' : /dimensions|shape/.test(message) ? 'dims' : 'name';
  // A message that says which side it means is believed; both may have a tensor of that name.
  const sides = /\boutput\b/.test(message) ? (['output', 'input'] as const) : (['input', 'output'] as const);
  for (const side of sides) {
    const index = config[side].findIndex(({ name }) => quoted.has(name));
    if (index >= 0) return [side, index, field];
  }
  return undefined;
}

function namesModelFile({ defaultModelFilename }: ModelConfig, message: string): boolean {
  return defaultModelFilename !== '' && message.endsWith(`/${defaultModelFilename}`);
}

function parameterField({ parameters }: ModelConfig, quoted: ReadonlySet<string | undefined>): FieldPath | undefined {
  for (const [key, { stringValue }] of Object.entries(parameters)) {
    if (quoted.has(stringValue) || quoted.has(key)) return ['parameters', { key }];
  }
  return undefined;
}
