// Runs a TypeScript file of this repository on the pinned Node, installing first if need be:  node scripts/run.mjs FILE [ARGUMENTS]
import { ensureInstalled, runNode } from './lib/install.mjs';

await ensureInstalled();
process.exit(await runNode(process.argv.slice(2)));
