export {
  type LoadPlan,
  ProfileOptionError,
  type ProfileOptions,
  parseCount,
  parseList,
  parseNumber,
  parseRange,
  parseShapes,
} from './options.ts';
export { profile } from './profile.ts';
