import type { InferenceResponse, ResponseHandler } from '../inference/index.ts';
import type { Frame, SequencePosition } from './frame.ts';

/** What a step's model said, kept until the run gets to it. */
export interface StepEvent {
  readonly call: StepCall;
  readonly response: InferenceResponse | undefined;
  readonly final: boolean;
}

/** One execution of a step in one run. */
export class StepCall {
  readonly step: number;
  /** The iteration whose tensors it reads. */
  readonly frame: Frame;
  /** Batch size of the step's request; 0 for a model without a batch dimension. */
  readonly batchSize: number;
  readonly position: SequencePosition;
  readonly #receive: (event: StepEvent) => void;

  constructor(
    step: number,
    frame: Frame,
    batchSize: number,
    position: SequencePosition,
    receive: (event: StepEvent) => void,
  ) {
    this.step = step;
    this.frame = frame;
    this.batchSize = batchSize;
    this.position = position;
    this.#receive = receive;
  }

  readonly respond: ResponseHandler = (response, final) => this.#receive({ call: this, response, final });
}
