/** The parts of a server's HTTP API that profiling needs, for one model. */
export class ServerApi {
  readonly baseUrl: URL;
  readonly model: string;
  /** Path of the model, or of one of its versions. */
  readonly modelPath: string;

  /** @throws Error for a URL that is not `http://host:port` */
  constructor(url: string, model: string, version: string | undefined) {
    this.baseUrl = parseUrl(url);
    this.model = model;
    const versionPath = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`;
    this.modelPath = `/v2/models/${encodeURIComponent(model)}${versionPath}`;
  }

  get host(): string {
    return this.baseUrl.hostname.replace(/^\[|\]$/g, '');
  }

  get port(): number {
    return Number(this.baseUrl.port || 80);
  }

  /** @throws Error with the server's own words when it refuses */
  get(path: string): Promise<unknown> {
    return this.#call('GET', path);
  }

  /** Loads the model with another configuration than its file's. */
  async load(configJson: string): Promise<void> {
    const path = `/v2/repository/models/${encodeURIComponent(this.model)}/load`;
    await this.#call('POST', path, JSON.stringify({ parameters: { config: configJson } }));
  }

  async #call(method: string, path: string, body?: string): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(new URL(path, this.baseUrl), { method, ...(body === undefined ? {} : { body }) });
    } catch (error) {
      const cause = (error as Error).cause;
      throw new Error(`no answer from ${this.baseUrl.href}: ${cause instanceof Error ? cause.message : String(error)}`);
    }
    const text = await response.text();
    if (!response.ok) throw new Error(errorText(text) ?? `${method} ${path} was answered ${response.status}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

function parseUrl(text: string): URL {
  const url = URL.parse(/^\w+:\/\//.test(text) ? text : `http://${text}`);
  if (url === null || url.protocol !== 'http:') throw new Error(`'${text}' is not the URL of an HTTP server`);
  return url;
}

function errorText(body: string): string | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}
