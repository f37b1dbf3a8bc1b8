export * from './normalize';
export * from './orient';
export * from './resample';
