export { admissionPolicy } from './admission.ts';
export { EnsembleScheduler } from './ensemble-scheduler.ts';
export { compileStepGraph } from './step-graph.ts';
export type { StepResolver } from './step-model.ts';
