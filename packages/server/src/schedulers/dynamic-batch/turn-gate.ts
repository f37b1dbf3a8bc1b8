/** How much of each new turn goes into the average. */
const SMOOTHING = 0.1;
/** With fewer requests per turn on average, waiting for more is not worth a turn. */
const MIN_REQUESTS_PER_TURN = 1.5;

/**
 * Decides whether a batcher looks at its queue at once or at the end of the event loop's turn. Under load one turn brings requests from many
 * sockets; a model that runs inline would take them one by one, and never batch. With few clients nothing is held back.
 */
export class TurnGate {
  readonly #defer: (callback: () => void) => void;
  readonly #dispatch: () => void;
  #requestsThisTurn = 0;
  #average = 1;

  /** @param defer runs a callback after the requests that are there already: `setImmediate` */
  constructor(defer: (callback: () => void) => void, dispatch: () => void) {
    this.#defer = defer;
    this.#dispatch = dispatch;
  }

  /** A request came. Returns whether to dispatch now; otherwise it happens at the end of the turn. */
  arrive(): boolean {
    this.#requestsThisTurn++;
    if (this.#requestsThisTurn === 1) this.#defer(() => this.#endTurn());
    return this.#average < MIN_REQUESTS_PER_TURN;
  }

  #endTurn(): void {
    this.#average += SMOOTHING * (this.#requestsThisTurn - this.#average);
    this.#requestsThisTurn = 0;
    this.#dispatch();
  }
}
