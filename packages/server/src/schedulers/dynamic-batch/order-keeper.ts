import { Fifo, type InferenceResponse, type ScheduledRequest } from '../../inference/index.ts';

interface Turn {
  readonly request: ScheduledRequest;
  readonly held: { readonly response: InferenceResponse | undefined; readonly final: boolean }[];
  /** The final response is held, or the request needs no turn any more. */
  over: boolean;
}

/** Holds responses back until those of every earlier request were delivered (`preserve_ordering`). */
export class OrderKeeper {
  readonly #turns = new Fifo<Turn>();

  /** Gives the request its place. From now on its responses pass through here. */
  admit(request: ScheduledRequest): void {
    const turn: Turn = { request, held: [], over: false };
    this.#turns.push(turn);
    request.gate = (response, final) => {
      turn.held.push({ response, final });
      turn.over ||= final;
      this.#deliver();
    };
  }

  /** Takes a request out of the order; it is answered at once and holds nobody up. */
  release(request: ScheduledRequest): void {
    request.gate = undefined;
    for (let index = 0; index < this.#turns.length; index++) {
      const turn = this.#turns.at(index);
      if (turn?.request === request) turn.over = true;
    }
    this.#deliver();
  }

  #deliver(): void {
    for (let turn = this.#turns.peek(); turn !== undefined; turn = this.#turns.peek()) {
      for (const { response, final } of turn.held.splice(0)) turn.request.deliver?.(response, final);
      if (!turn.over) return;
      this.#turns.shift();
    }
  }
}
