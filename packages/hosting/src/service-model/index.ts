export { compilePattern } from './pattern.ts';
export { CONTROL_PLANE_MODEL, RUNTIME_MODEL, type ServiceModel, type Shape, type ShapeRef } from './service-model.ts';
export { InputValidator, validationMessage, WrongTypeError } from './validate.ts';
