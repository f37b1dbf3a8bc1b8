// `npm run quickstart [-- --once]`: installs if need be, then `nereid quickstart`.
import { ensureInstalled, runNode } from './lib/install.mjs';

await ensureInstalled();
process.exit(await runNode(['packages/nereid/src/main.ts', 'quickstart', ...process.argv.slice(2)]));
