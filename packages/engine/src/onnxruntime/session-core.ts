import type { OrtApi, Pointer } from './api.ts';
import type { ValueInfo } from './model-info.ts';
import type { NameTable } from './name-table.ts';
import type { OutputPlan } from './output-plan.ts';

/** What every run of a session needs; made once per session and thread. */
export interface SessionCore {
  readonly api: OrtApi;
  /** `OrtSession *` */
  readonly handle: Pointer;
  /** `OrtMemoryInfo *` of memory we own. */
  readonly memoryInfo: Pointer;
  /** `OrtAllocator *` for memory ONNX Runtime owns. */
  readonly allocator: Pointer;
  /** Inputs, then overridable initialisers. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly outputPlans: readonly OutputPlan[];
  /** Indexed like `inputs` and `outputs`. */
  readonly inputNames: NameTable;
  readonly outputNames: NameTable;
  readonly arenaShrinkage: string | undefined;
}
