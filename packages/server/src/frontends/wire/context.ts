import { ByteWriter, InferRequestDecoder, type SharedMemoryReference, StatusError } from '@nereid/protocol';
import type { InferenceServer, Logger, RequestTracer, SharedMemory } from '../../inference/index.ts';
import { BodyMemory } from './body-memory.ts';
import { BodyBudget, type BodyRules } from './body-reader.ts';
import { Unpacker } from './content-coding.ts';
import { HeaderForwarding } from './header-forwarding.ts';
import type { HttpLimits } from './limits.ts';
import type { HttpListener } from './listener.ts';
import { ReadPacer } from './read-pacer.ts';
import type { Restrictions } from './restrictions.ts';
import { SliceRunner } from './slice-runner.ts';

const WRITER_BYTES = 16_384;

/** What all requests of one front end share. */
export class FrontendContext implements BodyRules {
  readonly server: InferenceServer;
  readonly limits: HttpLimits;
  readonly restrictions: Restrictions;
  readonly log: Logger;
  readonly forwarding: HeaderForwarding;
  readonly decoder: InferRequestDecoder;
  readonly slices = new SliceRunner();
  readonly bodyBudget: BodyBudget;
  readonly bodyMemory = new BodyMemory();
  readonly readPacer = new ReadPacer();
  readonly unpacker = new Unpacker();
  readonly listener: HttpListener;
  /** Undefined: no region is known. */
  readonly sharedMemory: SharedMemory | undefined;
  /** Undefined: no request is traced. */
  readonly tracer: RequestTracer | undefined;
  readonly #writer = new ByteWriter(WRITER_BYTES);

  constructor(parts: {
    readonly server: InferenceServer;
    readonly limits: HttpLimits;
    readonly restrictions: Restrictions;
    readonly log: Logger;
    readonly headerForwardPattern: string;
    readonly listener: HttpListener;
    readonly sharedMemory?: SharedMemory | undefined;
    readonly tracer?: RequestTracer | undefined;
  }) {
    this.server = parts.server;
    this.limits = parts.limits;
    this.restrictions = parts.restrictions;
    this.log = parts.log;
    this.listener = parts.listener;
    this.sharedMemory = parts.sharedMemory;
    this.tracer = parts.tracer;
    this.forwarding = new HeaderForwarding(parts.headerForwardPattern);
    this.bodyBudget = new BodyBudget(parts.limits.maxBufferedBytes);
    this.decoder = new InferRequestDecoder({ maxInputBytes: parts.limits.maxInputBytes, sharedMemory: noRegion });
  }

  /** A writer for one answer that is written without interruption; what it holds must be copied before the next one. */
  writer(): ByteWriter {
    this.#writer.length = 0;
    return this.#writer;
  }
}

/** Without shared memory no region is known. */
function noRegion({ region }: SharedMemoryReference): Uint8Array {
  throw new StatusError('NOT_FOUND', `Unable to find shared memory region: '${region}'`);
}
