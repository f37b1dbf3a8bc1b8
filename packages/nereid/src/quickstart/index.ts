export { obtainAsset } from './asset-cache.ts';
export { MODEL_PACKAGE, PHOTOGRAPHS } from './assets.ts';
export { type HostingOptions, showHosting } from './hosting-steps.ts';
export { packRepository } from './model-archive.ts';
export { writeModelRepository } from './model-repository.ts';
export { Progress } from './progress.ts';
export { type HostingScriptOptions, hostingScript } from './python-script.ts';
export { type QuickstartOptions, runQuickstart } from './quickstart.ts';
