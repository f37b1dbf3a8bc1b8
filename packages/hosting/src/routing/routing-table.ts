import { pickByWeight, type RoutingStrategy } from './picker.ts';
import type { RoutableInstance } from './routable-instance.ts';

/** One variant as requests see it. Weight and members change while requests run. */
export interface VariantRoute {
  readonly name: string;
  weight: number;
  readonly strategy: RoutingStrategy;
  readonly instances: Set<RoutableInstance>;
  /** Names of the containers, in the order of the pipeline; and whether callers choose one (`Direct`) or all run in turn (`Serial`). */
  readonly execution: { readonly mode: 'Serial' | 'Direct'; readonly containerNames: readonly string[] };
  /** Several models behind one container: where their archives are, and how much memory they may take. */
  readonly multiModel: MultiModelRoute | undefined;
}

export interface MultiModelRoute {
  /** `s3://…/` or `file://…/`: TargetModel is appended to it. */
  readonly modelDataPrefix: string;
  /** `ModelCacheSetting: Disabled` unloads after each request. */
  readonly cacheEnabled: boolean;
  /** Folder that the containers see as `/opt/ml`. */
  readonly baseDirectory: string;
  readonly downloadTimeoutMs: number;
}

/** The variants that serve an endpoint now. Replaced as a whole when an update switches over. */
export interface EndpointRoute {
  readonly variants: readonly VariantRoute[];
  /** Present when the endpoint takes asynchronous requests. */
  readonly async: AsyncRoute | undefined;
}

export interface AsyncRoute {
  readonly outputPath: string | undefined;
  readonly failurePath: string | undefined;
  readonly maxConcurrentPerInstance: number;
}

/** Part of an endpoint's traffic, while an update moves it from the old fleet to the new one. */
interface Split {
  readonly route: EndpointRoute;
  readonly weight: number;
}

/** Which instances answer for which endpoint. In memory only: it follows what the deployments do. */
export class RoutingTable {
  readonly #splits = new Map<string, readonly Split[]>();

  /** The endpoint's traffic goes to `route`, from the next request on. */
  set(endpointName: string, route: EndpointRoute): void {
    this.#splits.set(endpointName, [{ route, weight: 1 }]);
  }

  /** `share` (0 to 1) of the traffic goes to `green`, the rest to `blue`. */
  split(endpointName: string, blue: EndpointRoute, green: EndpointRoute, share: number): void {
    this.#splits.set(endpointName, [
      { route: green, weight: share },
      { route: blue, weight: 1 - share },
    ]);
  }

  remove(endpointName: string): void {
    this.#splits.delete(endpointName);
  }

  /** The variants for one request; `random` in [0, 1) decides while traffic is split. */
  find(endpointName: string, random: () => number): EndpointRoute | undefined {
    const splits = this.#splits.get(endpointName);
    return splits && pickByWeight(splits, random)?.route;
  }
}
