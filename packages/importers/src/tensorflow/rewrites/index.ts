import type { NodeDef } from '../graph-def.ts';
import type { SourceGraph } from '../source-graph.ts';
import { rewriteDilatedConvolutions } from './dilated-convolution.ts';

/**
 * Patterns of several nodes that stand for something simpler. Each rewrite takes a graph and returns its nodes, changed where the pattern
 * matches in every detail and untouched where anything is in doubt: every node also has a translation of its own.
 * @param outputs names of nodes whose values are asked for and must stay what they are
 */
export const REWRITES: readonly ((graph: SourceGraph, outputs: ReadonlySet<string>) => readonly NodeDef[])[] = [
  rewriteDilatedConvolutions,
];
