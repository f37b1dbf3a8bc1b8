type Environment = Readonly<Record<string, string | undefined>>;

/** Whether SageMaker (or something that stands in for it) made this environment and leaves it to us what to serve. */
export function isSageMakerContainer(args: readonly string[], environment: Environment): boolean {
  if (args.length > 0) return false;
  return Object.keys(environment).some((name) =>
    /^SAGEMAKER_(TRITON_|MULTI_MODEL$|BIND_TO_PORT$|SAFE_PORT_RANGE$)/.test(name),
  );
}

export function sagemakerFlags(args: readonly string[], _environment: Environment): readonly string[] {
  return args;
}
