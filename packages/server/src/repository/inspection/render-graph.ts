import { printDims } from '../../config/index.ts';
import type { EnsembleGraph, GraphPort, GraphStep } from './types.ts';

/**
 * An ensemble's graph as text, one edge a line with its data type and shape:
 *
 *     ensemble classify (max_batch_size 4)
 *       input   IMAGE                    UINT8 [-1,-1]
 *       step 0  preprocess (latest)
 *               IMAGE        -> INPUT    UINT8 [-1,-1]
 *               OUTPUT       -> pixels   FP32 [-1,299,299,3]
 *       output  CLASSES                  FP32 [-1,5]
 */
export function renderEnsembleGraph(graph: EnsembleGraph): string {
  const rows: (string | Edge)[] = [`ensemble ${graph.name} (max_batch_size ${graph.maxBatchSize})`];
  for (const input of graph.inputs) rows.push(edge('  input   ', input.tensor, input));
  for (const step of graph.steps) rows.push(...stepRows(step));
  for (const output of graph.outputs) rows.push(edge('  output  ', output.tensor, output));
  const width = Math.max(0, ...rows.map((row) => (typeof row === 'string' ? 0 : row.ends.length)));
  return rows
    .map((row) => (typeof row === 'string' ? row : `${row.label}${row.ends.padEnd(width)}  ${row.type}`))
    .join('\n');
}

interface Edge {
  readonly label: string;
  readonly ends: string;
  readonly type: string;
}

function stepRows(step: GraphStep): (string | Edge)[] {
  const version = step.version === -1n ? 'latest' : `version ${step.version}`;
  return [
    `  step ${String(step.index).padEnd(3)}${step.model} (${version})`,
    ...step.inputs.map((input) => edge('          ', `${input.tensor} -> ${input.port}`, input)),
    ...step.outputs.map((output) => edge('          ', `${output.port} -> ${output.tensor}`, output)),
  ];
}

function edge(label: string, ends: string, { dataType, shape }: GraphPort): Edge {
  return { label, ends, type: `${dataType ?? 'unknown type'} ${shape ? printDims(shape) : 'unknown shape'}` };
}
