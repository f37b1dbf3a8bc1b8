import type { Pointer } from './api.ts';
import { EngineError, OnnxRuntimeError } from './error.ts';
import { isLongStringTensor, type LongWork } from './long-work.ts';
import type { ModelInfo, ValueInfo } from './model-info.ts';
import { PendingRun } from './pending-run.ts';
import type { RunGate } from './run-gate.ts';
import type { RunPolicy } from './run-policy.ts';
import { RunSlot } from './run-slot.ts';
import type { SessionCore } from './session-core.ts';
import type { SessionHandle, SharedLifetime } from './session-handle.ts';
import type { EngineTensor, RunInput } from './tensor.ts';

/** `OrtErrorCode` FAIL, and ONNX Runtime's words for a run that was told to stop. */
const FAIL = 1;
const TERMINATED = 'Exiting due to terminate flag being set to true.';

/** What ONNX Runtime says when memory prepared for an output has another shape than the output. */
const SHAPE_MISMATCH =
  /pre-allocated output OrtValues|shape verification failed|shape mismatch attempting to re-use buffer/;

/** What a session is made of; `OnnxRuntime` puts it together. */
export interface SessionParts {
  readonly core: SessionCore;
  readonly model: ModelInfo;
  readonly gate: RunGate;
  readonly longWork: LongWork;
  readonly policy: RunPolicy;
  readonly lifetime: SharedLifetime;
  /** Called when the session is released. */
  readonly onReleased: () => void;
}

/**
 * A model loaded into ONNX Runtime. Any number of runs may be under way at once: all instances of a model share one session and one
 * copy of its weights. Made by `OnnxRuntime.load` and `OnnxRuntime.attach`.
 *
 * Memory handed in as inputs is read in place. It must not be written to or transferred to another thread until its run is over.
 */
export class Session {
  /** The model's inputs, then the initialisers a run may override; `RunInput.input` counts along this list. */
  readonly inputs: readonly ValueInfo[];
  /** How many of `inputs` are inputs proper. */
  readonly requiredInputCount: number;
  readonly outputs: readonly ValueInfo[];

  readonly #core: SessionCore;
  readonly #gate: RunGate;
  readonly #longWork: LongWork;
  readonly #policy: RunPolicy;
  readonly #lifetime: SharedLifetime;
  readonly #onReleased: () => void;
  readonly #allOutputs: readonly number[];
  readonly #freeSlots: RunSlot[] = [];
  /** Slots native code may be using: referencing them from here is what keeps their memory alive. */
  readonly #busySlots = new Set<RunSlot>();
  #released: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(parts: SessionParts) {
    this.#core = parts.core;
    this.#gate = parts.gate;
    this.#longWork = parts.longWork;
    this.#policy = parts.policy;
    this.#lifetime = parts.lifetime;
    this.#onReleased = parts.onReleased;
    this.inputs = parts.core.inputs;
    this.outputs = parts.core.outputs;
    this.requiredInputCount = parts.model.inputs.length;
    this.#allOutputs = this.outputs.map((_, index) => index);
  }

  /**
   * Runs where it is quicker: at once on this thread, or on the thread pool. Which one is learnt from measured times (`RunPolicy`). Large
   * string tensors never run at once.
   * `outputs` are places in `Session.outputs`, all of them by default. Throws OnnxRuntimeError or EngineError when it ran at once.
   */
  run(
    inputs: readonly RunInput[],
    outputs: readonly number[] = this.#allOutputs,
  ): readonly EngineTensor[] | PendingRun {
    let size = 0;
    let hasLongStrings = false;
    for (const { data, dataType } of inputs) {
      size += data.byteLength;
      hasLongStrings ||= dataType === 'BYTES' && isLongStringTensor(0, data.byteLength);
    }
    const start = performance.now();
    if (!hasLongStrings && this.#policy.runsInline(size)) {
      const results = this.runSync(inputs, outputs);
      this.#policy.recordInline(size, performance.now() - start);
      return results;
    }
    return this.#start(inputs, outputs, () => this.#policy.recordAsync(size, performance.now() - start));
  }

  /** Runs on this thread, whatever it takes. Throws OnnxRuntimeError or EngineError. */
  runSync(inputs: readonly RunInput[], outputs: readonly number[] = this.#allOutputs): readonly EngineTensor[] {
    const slot = this.#takeSlot();
    try {
      slot.prepare(inputs, outputs);
      const error = this.#callSync(slot);
      if (error === undefined) return slot.collect();
      if (!this.#shapesWereWrong(slot, outputs, error)) throw error;
      slot.clear();
      slot.prepare(inputs, outputs);
      const retryError = this.#callSync(slot);
      if (retryError !== undefined) throw retryError;
      return slot.collect();
    } finally {
      this.#giveBack(slot);
    }
  }

  /** Runs on the thread pool. */
  runAsync(inputs: readonly RunInput[], outputs: readonly number[] = this.#allOutputs): PendingRun {
    return this.#start(inputs, outputs, () => {});
  }

  /** What another thread needs to run this session too: a plain value to send it. See `OnnxRuntime.attach`. */
  share(): SessionHandle {
    this.#checkUsable();
    return {
      address: BigInt(this.#core.handle),
      lifetime: this.#lifetime.buffer,
      arenaShrinkage: this.#core.arenaShrinkage ?? '',
    };
  }

  /**
   * Frees the session once its runs are over, and the model when no other thread is attached to it. New runs are refused from now on.
   * May be called again.
   */
  release(): Promise<void> {
    this.#released ??= this.#releaseWhenIdle();
    return this.#released;
  }

  async #releaseWhenIdle(): Promise<void> {
    if (this.#busySlots.size > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    for (const slot of this.#freeSlots.splice(0)) slot.dispose();
    this.#onReleased();
    if (!this.#lifetime.leave()) return;
    const { api, handle } = this.#core;
    await new Promise<void>((resolve, reject) =>
      api.functions.ReleaseSession.async(handle, (error) => (error ? reject(error) : resolve())),
    );
  }

  #callSync(slot: RunSlot): OnnxRuntimeError | undefined {
    const { api, handle } = this.#core;
    const options = this.#core.arenaShrinkage === undefined ? 0 : this.#runOptions(slot);
    const status = api.functions.Run(
      handle,
      options,
      slot.inputNames,
      slot.inputValues,
      slot.inputCount,
      slot.outputNames,
      slot.outputCount,
      slot.outputValues,
    );
    return status === 0 ? undefined : api.errorOf(status);
  }

  #start(inputs: readonly RunInput[], outputs: readonly number[], onEnd: () => void): PendingRun {
    const state = { terminated: false, slot: undefined as RunSlot | undefined };
    const terminate = (): void => {
      if (state.terminated) return;
      state.terminated = true;
      if (state.slot !== undefined)
        this.#core.api.check(this.#core.api.functions.RunOptionsSetTerminate(state.slot.runOptions));
    };
    const attempt = async (): Promise<readonly EngineTensor[]> => {
      const slot = this.#takeSlot();
      try {
        if (slot.prepare(inputs, outputs, this.#longWork)) await slot.prepareRest();
        const error = await this.#callAsync(slot, state);
        if (error === undefined) {
          const results = slot.collect(this.#longWork);
          return results instanceof Promise ? await results : results;
        }
        if (!this.#shapesWereWrong(slot, outputs, error)) throw error;
      } finally {
        if (state.terminated) slot.dispose();
        this.#giveBack(slot);
      }
      return attempt();
    };
    return new PendingRun(attempt().finally(onEnd), terminate);
  }

  #callAsync(
    slot: RunSlot,
    state: { terminated: boolean; slot: RunSlot | undefined },
  ): Promise<OnnxRuntimeError | undefined> {
    const { api, handle } = this.#core;
    const options = this.#runOptions(slot);
    return new Promise((resolve, reject) => {
      this.#gate.enter(() => {
        if (state.terminated) {
          this.#gate.leave();
          resolve(new OnnxRuntimeError(FAIL, TERMINATED));
          return;
        }
        state.slot = slot;
        api.functions.Run.async(
          handle,
          options,
          slot.inputNames,
          slot.inputValues,
          slot.inputCount,
          slot.outputNames,
          slot.outputCount,
          slot.outputValues,
          (error, status) => {
            state.slot = undefined;
            this.#gate.leave();
            if (error) reject(new EngineError('ONNX Runtime could not be called', { cause: error }));
            else resolve(status === 0 ? undefined : api.errorOf(status));
          },
        );
      });
    });
  }

  /** After a run that failed because the model's declared output shapes are wrong: stop planning with them, so that it can be repeated. */
  #shapesWereWrong(slot: RunSlot, outputs: readonly number[], error: OnnxRuntimeError): boolean {
    if (!slot.hasPlannedOutputs || !SHAPE_MISMATCH.test(error.message)) return false;
    for (const output of outputs) this.#core.outputPlans[output]?.refute();
    return true;
  }

  #runOptions(slot: RunSlot): number {
    if (slot.runOptions !== 0) return slot.runOptions;
    const { api, arenaShrinkage } = this.#core;
    slot.runOptions = api.read((out) => api.functions.CreateRunOptions(out));
    if (arenaShrinkage !== undefined) {
      api.check(
        api.functions.AddRunConfigEntry(slot.runOptions, 'memory.enable_memory_arena_shrinkage', arenaShrinkage),
      );
    }
    return slot.runOptions;
  }

  #takeSlot(): RunSlot {
    this.#checkUsable();
    const slot = this.#freeSlots.pop() ?? new RunSlot(this.#core);
    this.#busySlots.add(slot);
    return slot;
  }

  #giveBack(slot: RunSlot): void {
    const slow = slot.clear();
    if (slow.length === 0) this.#free(slot);
    else void this.#freeAfter(slow, slot);
  }

  /** Frees values that take long: millions of strings. Until then the run is not over. */
  async #freeAfter(values: readonly Pointer[], slot: RunSlot): Promise<void> {
    const { functions } = this.#core.api;
    try {
      for (const value of values) await this.#longWork.call((done) => functions.ReleaseValue.async(value, done));
    } finally {
      this.#free(slot);
    }
  }

  #free(slot: RunSlot): void {
    this.#busySlots.delete(slot);
    this.#freeSlots.push(slot);
    if (this.#busySlots.size === 0) this.#onIdle?.();
  }

  #checkUsable(): void {
    if (this.#released !== undefined) throw new EngineError('the session was released');
  }
}
