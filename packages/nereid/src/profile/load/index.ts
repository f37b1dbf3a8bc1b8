export { seededRandom } from '../random.ts';
export { openLoop } from './open-loop.ts';
