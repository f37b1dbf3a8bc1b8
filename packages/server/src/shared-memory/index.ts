export { SharedMemoryRegions, type SharedMemoryRegionsOptions } from './regions.ts';
