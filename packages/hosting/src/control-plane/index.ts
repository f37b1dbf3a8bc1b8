export { Endpoints } from './endpoints.ts';
export { controlPlaneOperations } from './operations.ts';
export { ResourceTable } from './resources.ts';
export { Tags } from './tags.ts';
