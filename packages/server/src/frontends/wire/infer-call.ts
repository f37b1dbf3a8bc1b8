import {
  ByteWriter,
  InferResponseEncoding,
  type OutputForm,
  type SharedMemorySource,
  StatusError,
  type Tensor,
  type WireInferRequest,
} from '@nereid/protocol';
import {
  Cancellation,
  type InferenceRequest,
  type InferenceResponse,
  type ModelHandle,
  type ParameterValue,
  type ResponseHandler,
  type SharedMemoryLease,
} from '../../inference/index.ts';
import { type Body, type BodyHandler, BodyReader } from './body-reader.ts';
import { CallTrace, nowNs, takeTiming } from './call-trace.ts';
import type { ConnectionUser } from './connection-users.ts';
import { pack } from './content-coding.ts';
import type { FrontendContext } from './context.ts';
import { DirectRequest, type WireRequest, type WireResponse } from './direct-exchange.ts';
import type { InferProtocol } from './infer-protocol.ts';
import { countLongBytes, hasLongBytes } from './long-bytes.ts';
import { OutputPlan } from './output-plan.ts';
import { RAW_INPUT_NAME, rawInput, rawTooLarge } from './raw-input.ts';
import { ONE_WRITE_BYTES, send, sendEarly, sendParts } from './reply.ts';
import { SLICE_BYTES } from './slice-runner.ts';

/** JSON texts up to this size are read at once; longer ones in slices. */
const MAX_INLINE_JSON_BYTES = 65_536;
const NO_PARAMETERS: ReadonlyMap<string, ParameterValue> = new Map();

/** One inference request from its headers to its answer. */
export class InferCall implements ConnectionUser {
  readonly #context: FrontendContext;
  readonly #protocol: InferProtocol;
  readonly #req: WireRequest;
  readonly #res: WireResponse;
  readonly #receivedNs: number;
  /** `Content-Length`; 0 when the request has none. */
  #announcedBytes = 0;
  /** Length of the JSON in a body of the announced length; undefined when the headers do not say, or say something wrong. */
  #announcedJsonBytes: number | undefined;
  readonly #cancellation = new Cancellation();
  #model: ModelHandle | undefined;
  #modelVersion = -1;
  #plan: OutputPlan | undefined;
  #response: InferenceResponse | undefined;
  #responseCount = 0;
  /** Set when the request names a region of shared memory. */
  #lease: SharedMemoryLease | undefined;
  #bodyReadNs = 0;
  /** The client asks where the time goes. */
  #timing = false;
  #trace: CallTrace | undefined;

  constructor(context: FrontendContext, protocol: InferProtocol, req: WireRequest, res: WireResponse) {
    this.#receivedNs = nowNs();
    this.#context = context;
    this.#protocol = protocol;
    this.#req = req;
    this.#res = res;
  }

  connectionLost(): void {
    this.#cancellation.cancel();
  }

  /** Looks the model up, reads the body and runs the request. Every outcome is answered here. */
  start(modelName: string, modelVersion: number): void {
    try {
      this.#model = this.#context.server.getModel(modelName, modelVersion);
      this.#modelVersion = modelVersion;
      if (this.#model.signature.decoupled) {
        throw new StatusError('UNSUPPORTED', "HTTP end point doesn't support models with decoupled transaction policy");
      }
      this.#announcedBytes = Number(this.#req.headers['content-length'] ?? 0);
      this.#refuseTooLarge();
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#announcedJsonBytes = this.#announcedJsonLength();
    this.#context.listener.watch(this.#req, this);
    if (this.#req instanceof DirectRequest) {
      this.#bodyRead(undefined, { bytes: this.#req.body, padded: false });
      return;
    }
    const done: BodyHandler = (error, body) => this.#bodyRead(error, body);
    new BodyReader(this.#req, this.#context, done, this.#announcedJsonBytes);
  }

  /** Answers an error while the body is still on its way. */
  #refuse(error: unknown): void {
    sendEarly(this.#req, this.#res, () => this.#protocol.sendError(this.#res, StatusError.from(error)));
  }

  /** A body that is only JSON, or only a raw tensor, has a limit that its announced length already exceeds. */
  #refuseTooLarge(): void {
    const announced = this.#announcedBytes;
    const { maxInputBytes } = this.#context.limits;
    if (announced <= maxInputBytes || this.#protocol.requestCoding(this.#req) !== 'identity') return;
    const jsonLength = this.#protocol.jsonLength(this.#req, announced);
    if (jsonLength === 0) throw rawTooLarge(announced, maxInputBytes);
    if (jsonLength > maxInputBytes) throw jsonTooLarge(jsonLength, maxInputBytes);
  }

  #announcedJsonLength(): number | undefined {
    try {
      return this.#protocol.jsonLength(this.#req, this.#announcedBytes);
    } catch {
      return undefined;
    }
  }

  #jsonLength(bodyBytes: number): number {
    const announced = bodyBytes === this.#announcedBytes ? this.#announcedJsonBytes : undefined;
    return announced ?? this.#protocol.jsonLength(this.#req, bodyBytes);
  }

  #bodyRead(error: StatusError | undefined, body: Body): void {
    if (error !== undefined) {
      this.#refuse(error);
      return;
    }
    if (this.#context.tracer?.active === true) this.#bodyReadNs = nowNs();
    const coding = this.#protocol.requestCoding(this.#req);
    if (coding === 'identity') {
      this.#parse(body);
    } else if (coding === undefined) {
      this.#finish(() => this.#protocol.unsupportedCoding(this.#res));
    } else {
      this.#context.unpacker.unpack(body.bytes, this.#context.limits.maxInputBytes, (failure, unpacked, padded) => {
        body.release?.();
        if (failure !== undefined) this.#fail(failure);
        else this.#parse({ bytes: unpacked, padded: padded ?? false });
      });
    }
  }

  #parse(read: Body): void {
    const { bytes, padded } = read;
    const model = this.#model!;
    try {
      const jsonLength = this.#jsonLength(bytes.length);
      if (jsonLength === 0) {
        this.#runRaw(bytes);
        return;
      }
      const body = {
        bytes,
        jsonLength,
        padded,
        modelName: model.name,
        expectedDataType: (name: string) => expectedDataType(model, name),
        sharedMemory: this.#sharedMemory(),
      };
      if (jsonLength <= MAX_INLINE_JSON_BYTES) {
        this.#run(this.#context.decoder.decode(body));
        return;
      }
      const decoding = this.#context.decoder.begin(body);
      this.#context.slices.run(
        () => decoding.run(SLICE_BYTES),
        (error) => {
          // Binary tensors are not copied.
          if (jsonLength === bytes.length) read.release?.();
          if (error !== undefined) this.#fail(error);
          else if (this.#cancellation.cancelled) this.#lease?.release();
          else this.#run(decoding.result);
        },
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The regions of this request; most name none, so they are looked for late. Undefined: none can be registered. */
  #sharedMemory(): SharedMemorySource | undefined {
    const { sharedMemory } = this.#context;
    if (sharedMemory?.allowed !== true) return undefined;
    const lease = (): SharedMemoryLease => {
      this.#lease ??= sharedMemory.lease();
      return this.#lease;
    };
    return {
      read: (reference, dataType) => lease().read(reference, dataType),
      reserve: (reference) => lease().reserve(reference),
    };
  }

  #runRaw(bytes: Buffer): void {
    const model = this.#model!;
    this.#plan = new OutputPlan([], true);
    const parameters = new Map<string, ParameterValue>();
    this.#context.forwarding.forward(this.#req, parameters);
    this.#timing = takeTiming(parameters, this.#req.headers);
    this.#enqueue({
      id: '',
      modelName: model.name,
      modelVersion: this.#modelVersion,
      inputs: [rawInput(bytes, model, this.#context.limits.maxInputBytes)],
      requestedOutputs: [],
      parameters,
      correlationId: 0n,
      sequenceStart: false,
      sequenceEnd: false,
      priority: 0,
      timeoutMicros: 0,
      cancellation: this.#cancellation,
      receivedNs: this.#receivedNs,
      rawInputName: RAW_INPUT_NAME,
    });
  }

  #run(wire: WireInferRequest): void {
    try {
      this.#context.forwarding.forward(this.#req, wire.parameters);
      this.#timing = takeTiming(wire.parameters, this.#req.headers);
      this.#plan = new OutputPlan(wire.outputs, wire.binaryOutputs);
      this.#enqueueCounted({
        id: wire.id,
        modelName: this.#model!.name,
        modelVersion: this.#modelVersion,
        inputs: wire.inputs,
        requestedOutputs: this.#plan.names,
        parameters: wire.parameters.size === 0 ? NO_PARAMETERS : wire.parameters,
        correlationId: wire.correlationId,
        sequenceStart: wire.sequenceStart,
        sequenceEnd: wire.sequenceEnd,
        priority: wire.priority,
        timeoutMicros: wire.timeoutMicros,
        cancellation: this.#cancellation,
        receivedNs: this.#receivedNs,
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Hands the request on, behind a look at BYTES contents of many elements. */
  #enqueueCounted(request: InferenceRequest): void {
    if (!hasLongBytes(request.inputs)) {
      this.#enqueue(request);
      return;
    }
    countLongBytes(this.#context.slices, request.inputs, (inputs) => {
      try {
        this.#enqueue({ ...request, inputs });
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #enqueue(request: InferenceRequest): void {
    const { server, tracer } = this.#context;
    this.#trace = CallTrace.begin(tracer, request.modelName, this.#req.headers, this.#timing);
    if (this.#trace === undefined) {
      server.infer(request, this.#respond);
      return;
    }
    this.#trace.mark('HTTP_RECV_START', this.#receivedNs);
    this.#trace.mark('HTTP_RECV_END', this.#bodyReadNs);
    server.infer({ ...request, trace: this.#trace.trace }, this.#respond);
  }

  readonly #respond: ResponseHandler = (response, final) => {
    if (response !== undefined) {
      this.#response = response;
      this.#responseCount++;
    }
    if (!final) return;
    this.#trace?.mark('INFER_RESPONSE_COMPLETE');
    this.#answer();
  };

  #answer(): void {
    const response = this.#response;
    if (this.#responseCount !== 1 || response === undefined) {
      this.#fail(new StatusError('INTERNAL', `expected a single response, got ${this.#responseCount}`));
    } else if (response.error !== undefined) {
      this.#fail(response.error);
    } else {
      this.#encode(this.#trace?.withTiming(response) ?? response);
    }
  }

  #encode(response: InferenceResponse): void {
    try {
      const plan = this.#plan!;
      const model = this.#model!;
      const placed = this.#lease?.placeOutputs(response.outputs, (name) => plan.place(name)) ?? response.outputs;
      if (plan.classifiesMany(placed)) {
        plan.classifyInSlices(this.#context.slices, placed, model, (error, outputs) => {
          if (error === undefined) this.#encodeOutputs(response, outputs);
          else this.#fail(error);
        });
        return;
      }
      this.#encodeOutputs(response, plan.classified(placed, model));
    } catch (error) {
      this.#fail(error);
    }
  }

  #encodeOutputs(response: InferenceResponse, outputs: readonly Tensor[]): void {
    try {
      const plan = this.#plan!;
      const complete = outputs === response.outputs ? response : { ...response, outputs };
      const form = (name: string): OutputForm => plan.form(name);
      if (plan.jsonBytes(outputs) <= MAX_INLINE_JSON_BYTES) {
        const writer = this.#context.writer();
        const encoding = new InferResponseEncoding(complete, form, writer);
        encoding.run(Number.POSITIVE_INFINITY);
        if (!this.#sendSmall(encoding, writer)) this.#sendEncoded(encoding, [writer.view().slice()]);
        return;
      }
      this.#encodeInSlices(complete, form);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A large answer is a list of pieces: one that grew would be copied every time it outgrows its memory. */
  #encodeInSlices(response: InferenceResponse, form: (name: string) => OutputForm): void {
    const json: Uint8Array[] = [];
    const writer = new ByteWriter(2 * SLICE_BYTES);
    const encoding = new InferResponseEncoding(response, form, writer);
    this.#context.slices.run(
      () => {
        if (this.#cancellation.cancelled) return true;
        const complete = encoding.run(SLICE_BYTES);
        json.push(writer.view().slice());
        writer.length = 0;
        return complete;
      },
      (error) => (error === undefined ? this.#sendEncoded(encoding, json) : this.#fail(error)),
    );
  }

  /** Sends an answer from the writer's memory; false for one that is too large for that, or packed. */
  #sendSmall({ binaryParts }: InferResponseEncoding, writer: ByteWriter): boolean {
    const jsonBytes = writer.length;
    let length = jsonBytes;
    for (const part of binaryParts) length += part.byteLength;
    if (length > ONE_WRITE_BYTES || this.#protocol.responseCoding(this.#req) !== 'identity') return false;
    for (const part of binaryParts) writer.raw(part);
    const headers = this.#protocol.responseHeaders(binaryParts.length > 0 ? jsonBytes : undefined);
    this.#finish(() => send(this.#res, 200, headers, writer.view()));
    return true;
  }

  #sendEncoded(encoding: InferResponseEncoding, json: readonly Uint8Array[]): void {
    const { binaryParts } = encoding;
    const jsonBytes = json.reduce((sum, part) => sum + part.byteLength, 0);
    const headers = this.#protocol.responseHeaders(binaryParts.length > 0 ? jsonBytes : undefined);
    const coding = this.#protocol.responseCoding(this.#req);
    if (coding !== 'identity') {
      pack(coding, [...json, ...binaryParts], (packed) => {
        this.#finish(() => sendParts(this.#res, 200, [...headers, 'Content-Encoding', coding], packed));
      });
    } else if (binaryParts.length === 0 && json.length === 1) {
      this.#finish(() => send(this.#res, 200, headers, json[0]!));
    } else {
      this.#finish(() => sendParts(this.#res, 200, headers, [...json, ...binaryParts]));
    }
  }

  #fail(error: unknown): void {
    this.#finish(() => this.#protocol.sendError(this.#res, StatusError.from(error)));
  }

  #finish(answer: () => void): void {
    this.#context.listener.unwatch(this.#req, this);
    this.#lease?.release();
    this.#trace?.mark('HTTP_SEND_START');
    answer();
    this.#trace?.endWith(this.#res, 'HTTP_SEND_END');
  }
}

function expectedDataType(model: ModelHandle, name: string): string | undefined {
  const index = model.signature.inputIndex.get(name);
  return index === undefined ? undefined : model.signature.inputs[index]?.dataType;
}

function jsonTooLarge(jsonBytes: number, maxBytes: number): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `request JSON size of ${jsonBytes} bytes exceeds the maximum allowed input size of ${maxBytes} bytes. Use --http-max-input-size to increase the limit.`,
  );
}
