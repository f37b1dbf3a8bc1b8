import { Fifo, type InferenceResponse, type ScheduledRequest } from '../../inference/index.ts';

interface Turn {
  readonly request: ScheduledRequest;
  readonly held: { readonly response: InferenceResponse | undefined; readonly final: boolean }[];
  /** The final response is held. */
  over: boolean;
}

/**
 * Holds responses back until those of every request that was sent to an instance before were delivered (`preserve_ordering`). As in Triton the
 * order is that of the queue's end, so a request that its policy delayed holds nobody up.
 */
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

  #deliver(): void {
    for (let turn = this.#turns.peek(); turn !== undefined; turn = this.#turns.peek()) {
      for (const { response, final } of turn.held.splice(0)) turn.request.deliver?.(response, final);
      if (!turn.over) return;
      this.#turns.shift();
    }
  }
}
