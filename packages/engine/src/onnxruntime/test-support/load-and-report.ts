// A process of its own that loads a model, as a server does. Prints ONNX Runtime's version.
import { OnnxRuntime } from '../index.ts';
import { addSubModel } from './onnx-bytes.ts';

const runtime = new OnnxRuntime({ intraOpThreads: 1 });
await runtime.load(addSubModel([16]));
console.log(runtime.version);
await runtime.close();
