// Runs after every install of the workspace: onnxruntime-node brings its library for five platforms and node its C headers, 310 MB that this
// machine has no use for. NEREID_KEEP_BINARIES=1 keeps them.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));

if (!process.env.NEREID_KEEP_BINARIES) {
  pruneOnnxRuntime(join(MODULES, 'onnxruntime-node', 'bin'));
  for (const name of folders(join(MODULES, 'node', 'node_modules'))) {
    if (name.startsWith('node-'))
      rmSync(join(MODULES, 'node', 'node_modules', name, 'include'), { recursive: true, force: true });
  }
}

/** bin/<Node-API version>/<platform>/<architecture> */
function pruneOnnxRuntime(bin) {
  for (const api of folders(bin)) {
    // Without a library for this platform nothing is known about the layout: leave it alone.
    if (!existsSync(join(bin, api, process.platform, process.arch))) continue;
    for (const platform of folders(join(bin, api))) {
      for (const arch of folders(join(bin, api, platform))) {
        if (platform === process.platform && arch === process.arch) continue;
        rmSync(join(bin, api, platform, arch), { recursive: true });
      }
    }
  }
}

function folders(path) {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
