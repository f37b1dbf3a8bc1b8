/** What a pool and its workers say to each other. `value`s are whatever the pool's user sends; they are structured-cloned. */
export type ToWorker =
  | { readonly type: 'context'; readonly id: number; readonly value: unknown }
  | { readonly type: 'forget'; readonly id: number }
  | {
      readonly type: 'job';
      readonly value: unknown;
      /** Holds the inputs; the worker keeps it until another comes. */
      readonly inbox?: SharedArrayBuffer;
      /** Inputs too large for the inbox, transferred. */
      readonly large?: ArrayBuffer;
      /** Offset and length of each input in `large` or, without it, in the inbox. */
      readonly inputs: readonly (readonly [number, number])[];
    };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly value: unknown }
  | { readonly type: 'failed'; readonly name: string; readonly message: string };
