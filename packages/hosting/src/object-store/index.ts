export { EmbeddedAccess } from './access/embedded-access.ts';
export { ExternalAccess } from './access/external-access.ts';
export type { ObjectAccess, ObjectInfo } from './access/object-access.ts';
export { RoutedAccess } from './access/routed-access.ts';
export { ObjectStore } from './object-store.ts';
export { bucketOfHost } from './s3-request.ts';
export { S3Service } from './s3-service.ts';
