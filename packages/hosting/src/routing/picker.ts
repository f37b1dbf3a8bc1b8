import type { RoutableInstance } from './routable-instance.ts';

/** A number in [0, 1), such as `Math.random`. */
export type RandomSource = () => number;

/** A member with its share of the traffic. */
export interface Weighted {
  readonly weight: number;
}

/** One of `choices`, each as likely as its weight says; undefined when all weights are 0 (or nothing is there). */
export function pickByWeight<Choice extends Weighted>(
  choices: readonly Choice[],
  random: RandomSource,
): Choice | undefined {
  const total = choices.reduce((sum, choice) => sum + choice.weight, 0);
  if (!(total > 0)) return undefined;
  let left = random() * total;
  for (const choice of choices) {
    left -= choice.weight;
    if (left < 0 && choice.weight > 0) return choice;
  }
  // Rounding may leave a remainder: the last one with a weight takes it.
  return choices.findLast((choice) => choice.weight > 0);
}

/** SageMaker's `RoutingStrategy`: RANDOM unless the variant says otherwise. */
export type RoutingStrategy = 'RANDOM' | 'LEAST_OUTSTANDING_REQUESTS';

export interface PickOptions {
  readonly strategy: RoutingStrategy;
  readonly random: RandomSource;
  /** Of the clock that `RoutableInstance.suspect` was told by. */
  readonly nowMs: number;
  /** Instances that were tried already. */
  readonly avoid: ReadonlySet<RoutableInstance>;
}

/** An instance for a request: none that was tried, and one that is suspected of dying only when there is no other. */
export function pickInstance(
  instances: Iterable<RoutableInstance>,
  { strategy, random, nowMs, avoid }: PickOptions,
): RoutableInstance | undefined {
  const untried = [...instances].filter((instance) => !avoid.has(instance));
  const trusted = untried.filter((instance) => !instance.isSuspect(nowMs));
  let choices = trusted.length > 0 ? trusted : untried;
  if (strategy === 'LEAST_OUTSTANDING_REQUESTS') {
    const least = Math.min(...choices.map((instance) => instance.outstanding));
    choices = choices.filter((instance) => instance.outstanding === least);
  }
  return choices[Math.floor(random() * choices.length)];
}
