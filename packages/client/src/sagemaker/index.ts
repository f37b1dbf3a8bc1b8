export { encodeSageMakerBody, parseSageMakerBody, type SageMakerBody } from './body.ts';
