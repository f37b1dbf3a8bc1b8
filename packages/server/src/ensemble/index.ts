export { EnsembleScheduler } from './ensemble-scheduler.ts';
export { compileStepGraph, type GraphStep, type StepGraph, type TensorBinding } from './step-graph.ts';
export type { StepModel, StepResolver } from './step-model.ts';
