import controlPlaneModel from './gen/sagemaker.json' with { type: 'json' };
import runtimeModel from './gen/sagemaker-runtime.json' with { type: 'json' };

export interface ShapeRef {
  readonly shape: string;
  readonly location?: string;
  readonly locationName?: string;
}

/** A shape of a service model, with the constraints that AWS publishes for it. */
export interface Shape {
  readonly type: string;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly members?: Readonly<Record<string, ShapeRef>>;
  readonly member?: ShapeRef;
  readonly key?: ShapeRef;
  readonly value?: ShapeRef;
}

export interface ServiceModel {
  readonly operations: Readonly<Record<string, { readonly input: string }>>;
  readonly shapes: Readonly<Record<string, Shape>>;
}

/** `file://` beside AWS's schemes: an artifact may come from this machine's own disk. */
const ARTIFACT_URL: Shape = { type: 'string', max: 1024, min: 0, pattern: '(https|s3|file)://([^/]*)/?(.*)' };

/** `SageMaker` (control plane) as published, plus `file://` for model data. */
export const CONTROL_PLANE_MODEL: ServiceModel = {
  operations: controlPlaneModel.operations,
  shapes: { ...(controlPlaneModel.shapes as Record<string, Shape>), Url: ARTIFACT_URL, S3ModelUri: ARTIFACT_URL },
};

/** `SageMakerRuntime` as published. */
export const RUNTIME_MODEL: ServiceModel = {
  operations: runtimeModel.operations,
  shapes: runtimeModel.shapes as Record<string, Shape>,
};
