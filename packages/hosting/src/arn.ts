export interface ArnOptions {
  readonly region: string;
  /** Twelve digits. */
  readonly accountId: string;
}

export type ResourceKind = 'model' | 'endpoint-config' | 'endpoint';

/** Makes the names under which AWS knows resources. The case of a name is kept. */
export class Arns {
  readonly #options: ArnOptions;

  constructor(options: ArnOptions) {
    this.#options = options;
  }

  get accountId(): string {
    return this.#options.accountId;
  }

  get region(): string {
    return this.#options.region;
  }

  resource(kind: ResourceKind, name: string): string {
    return `arn:aws:sagemaker:${this.region}:${this.accountId}:${kind}/${name}`;
  }

  /** Where an endpoint's instances log, as ModelError names it. */
  logGroup(endpointName: string): string {
    return `arn:aws:logs:${this.region}:${this.accountId}:log-group:/aws/sagemaker/Endpoints/${endpointName}`;
  }
}
