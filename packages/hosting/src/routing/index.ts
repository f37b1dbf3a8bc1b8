export { pickByWeight, pickInstance, type RandomSource, type RoutingStrategy } from './picker.ts';
export { RoutableInstance } from './routable-instance.ts';
export {
  type AsyncRoute,
  type EndpointRoute,
  type MultiModelRoute,
  RoutingTable,
  type VariantRoute,
} from './routing-table.ts';
