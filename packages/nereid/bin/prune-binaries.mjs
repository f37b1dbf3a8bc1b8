// Runs after every install, of the workspace and of the published package: onnxruntime-node brings its library for five platforms and node its
// C headers, 310 MB that this machine has no use for. NEREID_KEEP_BINARIES=1 keeps them. Whatever goes wrong here must not fail an install.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

if (!process.env.NEREID_KEEP_BINARIES) {
  try {
    for (const modules of moduleFolders(dirname(fileURLToPath(import.meta.url)))) prune(modules);
  } catch (error) {
    console.warn(`nereid: binaries of other platforms were not removed: ${error.message}`);
  }
}

/** Where npm may have put our dependencies: every node_modules from here upwards, and the engine's own. */
function moduleFolders(start) {
  const found = [];
  for (let folder = start, parent = dirname(start); folder !== parent; folder = parent, parent = dirname(folder)) {
    found.push(join(folder, 'node_modules'), join(folder, 'node_modules', '@nereid', 'engine', 'node_modules'));
  }
  return found.filter((path) => existsSync(path));
}

function prune(modules) {
  pruneOnnxRuntime(join(modules, 'onnxruntime-node', 'bin'));
  const nodes = join(modules, 'node', 'node_modules');
  for (const name of folders(nodes)) {
    if (name.startsWith('node-')) rmSync(join(nodes, name, 'include'), { recursive: true, force: true });
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
        rmSync(join(bin, api, platform, arch), { recursive: true, force: true });
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
