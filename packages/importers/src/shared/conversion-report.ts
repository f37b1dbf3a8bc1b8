/** An input or output of the model that an importer made. -1 is an unknown dimension, an undefined shape an unknown rank. */
export interface ReportedTensor {
  readonly name: string;
  /** ONNX element type. */
  readonly elementType: string;
  readonly shape: readonly number[] | undefined;
}

/** What an importer did, for `nereid import` and for logs. */
export interface ConversionReport {
  /** Format of the source, e.g. `tensorflow_graphdef`. */
  readonly format: string;
  readonly inputs: readonly ReportedTensor[];
  readonly outputs: readonly ReportedTensor[];
  /** Nodes of the source graph that the outputs depend on, counted by operation. */
  readonly sourceOperations: ReadonlyMap<string, number>;
  /** Nodes of the ONNX graph, counted by operator. */
  readonly targetOperators: ReadonlyMap<string, number>;
  /** Bytes of the constants in the ONNX graph. */
  readonly weightBytes: number;
  /** Version of the standard ONNX operator set the graph is written for. */
  readonly opset: number;
}

/** Items counted by name, the most frequent first. */
export function countByName(names: Iterable<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map([...counts].sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1)));
}
