/**
 * Measures ONNX Runtime through the engine, without a server.
 *
 *     node bench/onnxruntime/run.ts [runs [seconds] | load-cycles [cycles]]
 */
import { benchLoadCycles } from './load-cycles.ts';
import { benchRuns } from './runs.ts';

const [what = 'all', amount] = process.argv.slice(2);
if (what === 'runs' || what === 'all') await benchRuns(Number(amount ?? 1));
if (what === 'load-cycles' || what === 'all') await benchLoadCycles(Number(amount ?? 1000));
