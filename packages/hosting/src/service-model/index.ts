export {
  type ContainerDefinition,
  containersOf,
  type DeploymentConfig,
  type EndpointConfigDefinition,
  type ModelDefinition,
  multiModelContainer,
  type NamedContainer,
  type ProductionVariant,
  type TrafficSize,
} from './definitions.ts';
export { knownMembers } from './known-members.ts';
export { CONTROL_PLANE_MODEL, RUNTIME_MODEL, type ServiceModel, type Shape, type ShapeRef } from './service-model.ts';
export { InputValidator, validationMessage, WrongTypeError } from './validate.ts';
