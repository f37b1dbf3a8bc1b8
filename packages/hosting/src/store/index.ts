export { Database, StoreError } from './database.ts';
