export { type ConversionReport, countByName, type ReportedTensor } from './conversion-report.ts';
export { ImportError, type ImportErrorCode } from './import-error.ts';
export { type OpFacts, OpRegistry } from './op-registry.ts';
