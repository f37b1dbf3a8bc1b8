export { ObjectStore, type StoredObject } from './object-store.ts';
export { listObjects } from './listing.ts';
export { S3Service } from './s3-service.ts';
