import type { OpRegistry } from '../shared/index.ts';
import type { TfOp } from './tf-op.ts';

const HEAD = `# TensorFlow graphs: what is translated

Frozen graphs (\`model.graphdef\`, \`platform: "tensorflow_graphdef"\`) become ONNX when they are loaded. An operation that is not in the table fails the
load with its name, its node and the model's name; so does a form of an operation that the last column excludes.

Shapes are (N, H, W, C) on TensorFlow's side and (N, C, H, W) on ONNX's; a layout is changed by pairs of transposes, which ONNX Runtime takes out again.
A \`Placeholder\` becomes an input; control inputs order effects, of which a frozen graph has none, and are ignored. \`SpaceToBatchND\`, convolution and
\`BatchToSpaceND\` in a row become one dilated convolution. Shape arithmetic on known sizes is worked out during the translation.
Element types that ONNX Runtime does not compute an operator in are widened and narrowed again; where no wider type gives the same results
(\`DT_DOUBLE\` in a convolution) the node is refused.

This page is written from the registry by \`npm run coverage -w packages/importers\`; a test fails when it is out of date.
`;

/** The page that lists every operation of a registry, in Markdown. */
export function coveragePage(ops: OpRegistry<TfOp>): string {
  const list = ops.list();
  const rows = list.map(
    ({ op, source, target, limits = '' }) => `| ${[op, source, target, limits].map(cell).join(' | ')} |`,
  );
  return [
    HEAD,
    `${list.length} operations:`,
    '',
    '| Operation | TensorFlow | ONNX | Not translated |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
