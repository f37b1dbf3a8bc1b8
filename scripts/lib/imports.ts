import { parseSync, Visitor } from 'oxc-parser';

/** One import, export-from, dynamic import or `import('…')` type in a source file. */
export interface ImportEdge {
  readonly specifier: string;
  /** 1-based. */
  readonly line: number;
  readonly typeOnly: boolean;
  /** `export * from` */
  readonly star: boolean;
}

/** Reads the imports of one TypeScript or JavaScript file. Throws an Error naming the file when it does not parse. */
export function readImports(path: string, text: string): ImportEdge[] {
  const { module, program, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`);
  const edges: ImportEdge[] = [];
  const add = (specifier: string, offset: number, typeOnly: boolean, star: boolean) => {
    edges.push({ specifier, line: text.slice(0, offset).split('\n').length, typeOnly, star });
  };
  for (const { moduleRequest, entries, start } of module.staticImports) {
    add(moduleRequest.value, start, entries.length > 0 && entries.every(({ isType }) => isType), false);
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, importName, exportName, isType, start } of entries) {
      if (!moduleRequest) continue;
      add(moduleRequest.value, start, isType, importName.kind === 'AllButDefault' && exportName.kind === 'None');
    }
  }
  new Visitor({
    ImportExpression({ source, start }) {
      if (source.type === 'Literal' && typeof source.value === 'string') add(source.value, start, false, false);
    },
    TSImportType({ source, start }) {
      add(source.value, start, true, false);
    },
  }).visit(program);
  return edges;
}
