export { HttpClient, type HttpClientOptions } from './client.ts';
export { connectionFailure } from './connection-failure.ts';
export { type FetchFunction, fetchTransport } from './fetch-transport.ts';
export type { GenerateRequest, GenerateResponse, GenerateValue } from './generate.ts';
export type { HttpRequest, HttpResponse, HttpTransport } from './transport.ts';
