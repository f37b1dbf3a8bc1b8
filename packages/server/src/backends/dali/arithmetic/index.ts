export { arithmetic } from './operator.ts';
