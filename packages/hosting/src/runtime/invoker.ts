import type { Arns } from '../arn.ts';
import { ServiceError, validationError } from '../errors.ts';
import type { ContainerAddress } from '../instances/index.ts';
import {
  type EndpointRoute,
  pickByWeight,
  pickInstance,
  type RandomSource,
  type RoutableInstance,
  type RoutingTable,
  type VariantRoute,
} from '../routing/index.ts';
import type { Invocation } from './invocation.ts';
import { modelError, serviceUnavailable, timeoutText } from './model-error.ts';
import {
  assertTargetModel,
  type ModelLease,
  ModelLoadError,
  type MultiModelLoader,
  TARGET_MODEL_HEADER,
} from './multi-model.ts';
import { readText } from './read-text.ts';
import { bufferBody, type OutgoingBody, streamBody } from './request-body.ts';
import type { Upstream } from './upstream.ts';
import type { UpstreamAnswer } from './upstream-answer.ts';
import { type Caller, ClientBodyError, UpstreamError } from './upstream-request.ts';

export interface InvokerOptions {
  readonly arns: Arns;
  readonly routing: RoutingTable;
  readonly upstream: Upstream;
  readonly multiModel: MultiModelLoader;
  readonly random: RandomSource;
}

/** A container's answer with status 2xx, its body still to be read. */
export interface ModelAnswer {
  readonly message: UpstreamAnswer;
  readonly variantName: string;
}

export interface InvokeOptions {
  readonly timeoutMs: number;
  /** When the caller is gone, the container need not go on. */
  readonly caller: Caller | undefined;
}

/** A dying process is out of the routing table within this time; a living one has its traffic back after it. */
const SUSPECT_MS = 250;

/** An instance that was chosen and counts the request. */
interface Chosen {
  readonly instance: RoutableInstance;
  readonly release: () => void;
}

/** Sends invocations to instances: which variant, which instance, which container, and what a failure is called. */
export class Invoker {
  readonly #options: InvokerOptions;

  constructor(options: InvokerOptions) {
    this.#options = options;
  }

  /** Throws ValidationError when there is no such endpoint (or it is not in service yet). */
  route(endpointName: string): EndpointRoute {
    const { arns, routing, random } = this.#options;
    const route = routing.find(endpointName, random);
    if (!route) throw validationError(`Endpoint ${endpointName} of account ${arns.accountId} not found.`);
    return route;
  }

  /** Checks what can be known before the body: endpoint, variant, container, model. Throws ValidationError. */
  choose(invocation: Invocation): VariantRoute {
    const variant = this.#variant(this.route(invocation.EndpointName), invocation);
    assertTargets(variant, invocation);
    return variant;
  }

  /** Throws ServiceError: ModelError, ServiceUnavailable, ModelNotReadyException …, or whatever the body's reader throws. */
  async invoke(
    variant: VariantRoute,
    invocation: Invocation,
    body: OutgoingBody,
    options: InvokeOptions,
  ): Promise<ModelAnswer> {
    const tried = new Set<RoutableInstance>();
    for (;;) {
      const { instance, release } = this.#acquire(variant, invocation.TargetModel, tried);
      try {
        const message = await this.#run(variant, instance, invocation, body, options);
        message.onDone(release);
        return { message, variantName: variant.name };
      } catch (error) {
        release();
        if (error instanceof ServiceError && error.fields['OriginalStatusCode'] === 0) {
          instance.suspect(performance.now() + SUSPECT_MS);
        }
        if (!(error instanceof UpstreamError)) throw error;
        // Nothing has been sent, so another instance may have it. The last one's failure is the answer when none is left.
        tried.add(instance);
        if (!body.isReplayable) throw serviceUnavailable('The instance that was chosen went away. Please try again.');
      }
    }
  }

  #variant(route: EndpointRoute, { TargetVariant, EndpointName }: Invocation): VariantRoute {
    if (TargetVariant !== undefined) {
      const named = route.variants.find((variant) => variant.name === TargetVariant);
      if (!named) throw validationError(`Variant ${TargetVariant} was not found for endpoint ${EndpointName}.`);
      return named;
    }
    const picked = pickByWeight(route.variants, this.#options.random);
    if (!picked)
      throw validationError(
        `Endpoint ${EndpointName} has no variant with a weight above 0: name one by TargetVariant.`,
      );
    return picked;
  }

  #acquire(variant: VariantRoute, targetModel: string | undefined, tried: ReadonlySet<RoutableInstance>): Chosen {
    const { multiModel, random } = this.#options;
    const pick = { random, nowMs: performance.now(), avoid: tried };
    const holders =
      targetModel === undefined
        ? []
        : [...variant.instances].filter((instance) => multiModel.holds(instance, targetModel));
    const instance =
      pickInstance(holders, { ...pick, strategy: 'LEAST_OUTSTANDING_REQUESTS' }) ??
      pickInstance(variant.instances, {
        ...pick,
        strategy: variant.multiModel ? 'LEAST_OUTSTANDING_REQUESTS' : variant.strategy,
      });
    if (!instance)
      throw serviceUnavailable(`Variant ${variant.name} has no healthy instance at the moment. Please try again.`);
    return { instance, release: instance.acquire() };
  }

  /** Rejects with UpstreamError only when nothing was sent. */
  async #run(
    variant: VariantRoute,
    instance: RoutableInstance,
    invocation: Invocation,
    body: OutgoingBody,
    options: InvokeOptions,
  ): Promise<UpstreamAnswer> {
    if (variant.multiModel) return this.#runModel(variant, instance, invocation, body, options);
    const containers = this.#containers(variant, instance, invocation);
    const deadline = performance.now() + options.timeoutMs;
    let input = body;
    let contentType = invocation.ContentType;
    let answer: UpstreamAnswer | undefined;
    for (const [index, container] of containers.entries()) {
      const isFirst = index === 0;
      const timeoutMs = isFirst ? options.timeoutMs : Math.max(1, Math.ceil(deadline - performance.now()));
      const headers = forwardedHeaders(invocation, contentType);
      answer = await this.#send(
        container,
        '/invocations',
        headers,
        input,
        { ...options, timeoutMs },
        invocation.EndpointName,
        isFirst,
      );
      contentType = answer.header('content-type');
      if (index < containers.length - 1) input = bodyOf(answer);
    }
    if (!answer) throw serviceUnavailable(`Variant ${variant.name} has no container.`);
    return answer;
  }

  async #runModel(
    variant: VariantRoute,
    instance: RoutableInstance,
    invocation: Invocation,
    body: OutgoingBody,
    options: InvokeOptions,
  ): Promise<UpstreamAnswer> {
    const { multiModel } = this.#options;
    const { TargetModel: targetModel = '', EndpointName } = invocation;
    const [container] = instance.containers;
    if (!container || !variant.multiModel) throw serviceUnavailable(`Variant ${variant.name} has no container.`);
    const headers = [...forwardedHeaders(invocation, invocation.ContentType), TARGET_MODEL_HEADER, targetModel];
    const lease = await multiModel
      .lease(instance, container, variant.multiModel, targetModel)
      .catch((error: unknown) => {
        throw this.#loadFailure(error, EndpointName, container.name);
      });
    return this.#invokeLeased(lease, container, headers, body, options, EndpointName);
  }

  async #invokeLeased(
    lease: ModelLease,
    container: ContainerAddress,
    headers: readonly string[],
    body: OutgoingBody,
    options: InvokeOptions,
    endpointName: string,
  ): Promise<UpstreamAnswer> {
    try {
      const answer = await this.#send(container, lease.path, headers, body, options, endpointName, true);
      answer.onDone(() => lease.release());
      return answer;
    } catch (error) {
      // 404: the container has lost the model; the next request loads it again.
      const status = (error as Partial<ServiceError>).fields?.['OriginalStatusCode'];
      lease.release(status === 404);
      throw error;
    }
  }

  #loadFailure(error: unknown, endpointName: string, containerName: string): unknown {
    const { arns } = this.#options;
    if (error instanceof ModelLoadError) {
      return modelError(arns, { endpointName, containerName, status: error.status, text: error.text });
    }
    if (error instanceof UpstreamError && !error.isUnsent) {
      return modelError(arns, { endpointName, containerName, status: 0, text: undefined });
    }
    return error;
  }

  #containers(
    variant: VariantRoute,
    instance: RoutableInstance,
    { TargetContainerHostname }: Invocation,
  ): readonly ContainerAddress[] {
    if (variant.execution.mode === 'Serial') return instance.containers;
    return instance.containers.filter((container) => container.name === TargetContainerHostname);
  }

  async #send(
    target: ContainerAddress,
    path: string,
    headers: readonly string[],
    body: OutgoingBody,
    { timeoutMs, caller }: InvokeOptions,
    endpointName: string,
    mayRetry: boolean,
  ): Promise<UpstreamAnswer> {
    const { arns, upstream } = this.#options;
    const failure = (status: number, text: string | undefined): ServiceError =>
      modelError(arns, { endpointName, containerName: target.name, status, text });
    let answer: UpstreamAnswer;
    try {
      answer = await upstream.send({ target, method: 'POST', path, headers, body, timeoutMs, caller });
    } catch (error) {
      if (error instanceof ClientBodyError) throw error.cause;
      if (!(error instanceof UpstreamError) || (error.isUnsent && mayRetry && error.failure === 'refused')) throw error;
      throw failure(0, error.failure === 'timeout' ? timeoutText(target.name) : undefined);
    }
    const { status } = answer;
    if (status >= 200 && status < 300) return answer;
    throw failure(status, await readText(answer));
  }
}

/** The answer of a container as the body for the next one. */
function bodyOf(answer: UpstreamAnswer): OutgoingBody {
  const { whole } = answer;
  return whole ? bufferBody(whole) : streamBody(answer.body(), answer.lengthBytes);
}

/** Of a request's headers a container sees what the API knows, nothing else: no credentials, no hop-by-hop headers. */
function forwardedHeaders(invocation: Invocation, contentType: string | undefined): string[] {
  const headers: string[] = [];
  if (contentType !== undefined) headers.push('content-type', contentType);
  if (invocation.Accept !== undefined) headers.push('accept', invocation.Accept);
  if (invocation.CustomAttributes !== undefined)
    headers.push('x-amzn-sagemaker-custom-attributes', invocation.CustomAttributes);
  if (invocation.InferenceId !== undefined) headers.push('x-amzn-sagemaker-inference-id', invocation.InferenceId);
  if (invocation.SessionId !== undefined) headers.push('x-amzn-sagemaker-session-id', invocation.SessionId);
  return headers;
}

function assertTargets(variant: VariantRoute, invocation: Invocation): void {
  const { TargetModel, TargetContainerHostname: hostname, InferenceComponentName, EndpointName } = invocation;
  if (InferenceComponentName !== undefined) {
    throw validationError(
      `Inference Component Name header is not allowed for endpoint ${EndpointName}, which has no inference components.`,
    );
  }
  if (variant.multiModel) {
    if (TargetModel === undefined)
      throw validationError(`Endpoint ${EndpointName} serves several models: the TargetModel header is required.`);
    assertTargetModel(TargetModel);
  } else if (TargetModel !== undefined) {
    throw validationError(
      `Endpoint ${EndpointName} is not a multi-model endpoint: the TargetModel header is not allowed.`,
    );
  }
  const { mode, containerNames } = variant.execution;
  if (mode === 'Direct') {
    if (hostname === undefined)
      throw validationError(
        `Endpoint ${EndpointName} invokes its containers directly: the TargetContainerHostname header is required.`,
      );
    if (!containerNames.includes(hostname))
      throw validationError(`Container ${hostname} was not found for endpoint ${EndpointName}.`);
  } else if (hostname !== undefined) {
    throw validationError(
      `Endpoint ${EndpointName} does not invoke its containers directly: the TargetContainerHostname header is not allowed.`,
    );
  }
}
