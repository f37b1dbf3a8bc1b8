import type { DataType } from '../data-type.ts';
import type { Tensor } from '../tensor.ts';

/** Value of a request's or response's parameter. Integers are bigints or numbers, doubles are numbers. */
export type WireParameter = string | number | bigint | boolean;

/** A region of shared memory that a client registered, and the part of it that holds a tensor. */
export interface SharedMemoryReference {
  readonly region: string;
  readonly offset: number;
  readonly byteSize: number;
}

/** Shared memory as the reader of a request needs it. */
export interface SharedMemorySource {
  /** Contents of an input; undefined for the type of one whose type is not known. Throws StatusError. */
  read(reference: SharedMemoryReference, dataType: DataType | undefined): Uint8Array;
  /** Checks that there is such a place for an output. Throws StatusError. */
  reserve(reference: SharedMemoryReference): void;
}

/** How one output was asked for. */
export interface WireOutput {
  readonly name: string;
  /** True: in binary behind the JSON; false: as JSON. */
  readonly binary: boolean;
  /** Number of classes to return instead of the tensor; 0 for the tensor. */
  readonly classCount: number;
  /** Where the server puts the tensor instead of sending it. */
  readonly sharedMemory?: SharedMemoryReference;
}

/** An inference request of the KServe v2 HTTP protocol with Triton's extensions, taken apart. */
export interface WireInferRequest {
  /** '' when the client gave none. */
  readonly id: string;
  /** Custom parameters. */
  readonly parameters: Map<string, WireParameter>;
  /** `sequence_id`; 0n or '' for none. */
  readonly correlationId: bigint | string;
  readonly sequenceStart: boolean;
  readonly sequenceEnd: boolean;
  readonly priority: number;
  readonly timeoutMicros: number;
  readonly inputs: readonly Tensor[];
  /** Empty: all outputs, in the form `binaryOutputs` says. */
  readonly outputs: readonly WireOutput[];
  /** `binary_data_output`: form of outputs that are not listed. */
  readonly binaryOutputs: boolean;
}
