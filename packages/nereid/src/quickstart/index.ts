export { obtainAsset } from './asset-cache.ts';
export { MODEL_PACKAGE, PHOTOGRAPHS } from './assets.ts';
export { writeModelRepository } from './model-repository.ts';
export { type QuickstartOptions, runQuickstart } from './quickstart.ts';
