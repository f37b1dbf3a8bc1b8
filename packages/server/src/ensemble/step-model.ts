import type { InferenceRequest, ModelSignature, ResponseHandler } from '../inference/index.ts';

/** A loaded model version as an ensemble uses it: pinned from the start of an ensemble request to its end. */
export interface StepModel {
  readonly name: string;
  readonly version: number;
  readonly signature: ModelSignature;
  /** As `InferenceServer.infer`, for this version. */
  infer(request: InferenceRequest, respond: ResponseHandler): void;
  pin(): void;
  unpin(): void;
}

/** Finds the version that answers now. Throws StatusError. */
export type StepResolver = (namespace: string, modelName: string, modelVersion: number) => StepModel;
