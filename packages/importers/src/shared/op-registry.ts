/** What every importer says about an operation, whatever its conversion function looks like. */
export interface OpFacts {
  /** Name in the source format. */
  readonly op: string;
  /** Signature in the source format, shapes in the format's own layout. */
  readonly source: string;
  /** What becomes of it in ONNX. */
  readonly target: string;
  /** What is refused, by name, when a model asks for it. */
  readonly limits?: string;
}

/** The operations an importer knows. Coverage tables are printed from it. */
export class OpRegistry<Definition extends OpFacts> {
  readonly #definitions: ReadonlyMap<string, Definition>;

  /** Throws when two definitions have the same name. */
  constructor(definitions: readonly Definition[]) {
    const byName = new Map<string, Definition>();
    for (const definition of definitions) {
      if (byName.has(definition.op)) throw new Error(`operation '${definition.op}' is registered twice`);
      byName.set(definition.op, definition);
    }
    this.#definitions = byName;
  }

  find(op: string): Definition | undefined {
    return this.#definitions.get(op);
  }

  /** Every definition, by name. */
  list(): readonly Definition[] {
    return [...this.#definitions.values()].sort((a, b) => (a.op < b.op ? -1 : 1));
  }
}
