// Writes docs/importers-tensorflow.md from the registry.
import { writeFileSync } from 'node:fs';
import { coveragePage } from './coverage-table.ts';
import { tensorflowOps } from './ops/index.ts';

writeFileSync(new URL('../../../../docs/importers-tensorflow.md', import.meta.url), coveragePage(tensorflowOps()));
