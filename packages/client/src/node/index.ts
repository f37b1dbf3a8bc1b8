export { type NodeTransportOptions, nodeTransport } from './transport.ts';
