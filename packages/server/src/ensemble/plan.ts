import type { StepGraph } from './step-graph.ts';

/** The part of a step graph that a set of requested outputs needs. */
export interface Plan {
  /** Indices of the steps that run. */
  readonly steps: readonly number[];
  /** Per step: the outputs asked of its model, as bindings; empty for a step that does not run. */
  readonly stepOutputs: readonly (readonly { readonly name: string; readonly tensor: number }[])[];
  /** Per step: their names alone. */
  readonly outputNames: readonly (readonly string[])[];
  /** Per tensor: the steps that run and read it. */
  readonly consumers: readonly (readonly number[])[];
  /** Per tensor: how many readers it has, the response included. */
  readonly readers: Int32Array;
  /** Per step: how many tensors it waits for. */
  readonly waits: Int32Array;
  /** Per tensor: whether the response carries it. */
  readonly isOutput: Uint8Array;
  /** Distinct tensors in the response. */
  readonly outputCount: number;
}

/** Walks back from the requested outputs; a step none of whose outputs is needed does not run. */
export function makePlan(graph: StepGraph, requestedOutputs: readonly number[]): Plan {
  const isOutput = new Uint8Array(graph.tensorNames.length);
  const needed = new Uint8Array(graph.tensorNames.length);
  const runs = new Uint8Array(graph.steps.length);
  const open = requestedOutputs.map((index) => graph.outputs[index]!);
  for (const tensor of open) isOutput[tensor] = 1;
  for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
    if (needed[tensor] === 1) continue;
    needed[tensor] = 1;
    const producer = graph.producers[tensor]!;
    if (producer === -1 || runs[producer] === 1) continue;
    runs[producer] = 1;
    open.push(...graph.steps[producer]!.reads);
  }
  const stepOutputs = graph.steps.map((step) =>
    runs[step.index] === 1 ? step.outputs.filter(({ tensor }) => needed[tensor] === 1) : [],
  );
  const consumers = graph.consumers.map((steps) => steps.filter((step) => runs[step] === 1));
  const waits = new Int32Array(graph.steps.length);
  for (const steps of consumers) for (const step of steps) waits[step]!++;
  return {
    steps: graph.steps.flatMap((step) => (runs[step.index] === 1 ? [step.index] : [])),
    stepOutputs,
    outputNames: stepOutputs.map((bindings) => bindings.map(({ name }) => name)),
    consumers,
    readers: Int32Array.from(consumers, (steps, tensor) => steps.length + isOutput[tensor]!),
    waits,
    isOutput,
    outputCount: isOutput.reduce((sum, flag) => sum + flag, 0),
  };
}

/** Plans by requested outputs; the sets that clients really ask for are few, so a handful is kept. */
export class PlanCache {
  readonly #graph: StepGraph;
  readonly #limit: number;
  readonly #plans = new Map<string, Plan>();
  readonly #all: Plan;
  readonly #outputCount: number;

  constructor(graph: StepGraph, limit = 64) {
    this.#graph = graph;
    this.#limit = limit;
    this.#outputCount = graph.outputs.length;
    this.#all = makePlan(
      graph,
      graph.outputs.map((_, index) => index),
    );
  }

  for(requestedOutputs: readonly number[]): Plan {
    if (requestedOutputs.length === this.#outputCount) return this.#all;
    const key = requestedOutputs.toSorted((a, b) => a - b).join();
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      plan = makePlan(this.#graph, requestedOutputs);
      if (this.#plans.size >= this.#limit) this.#plans.clear();
      this.#plans.set(key, plan);
    }
    return plan;
  }
}
