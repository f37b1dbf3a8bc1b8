import type { IncomingHttpHeaders } from 'node:http';
import { queryPairs } from './sigv4/index.ts';

/** The services behind the one port, by the names that clients sign for; the two `sagemaker` APIs share theirs. */
export type ServiceName = 'sagemaker' | 'sagemaker-runtime' | 's3' | 'sts' | 'iam';

export interface Addressed {
  readonly method: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly headers: IncomingHttpHeaders;
}

const INVOCATION_PATH = /^\/endpoints\/[^/]+\/(invocations|invocations-response-stream|async-invocations)$/;

/** The service name inside a signature's credential scope, unchecked; undefined for unsigned requests. */
export function claimedService(request: Addressed): string | undefined {
  // Only S3 has URLs presigned with the old signature.
  if (request.headers.authorization === undefined && request.rawQuery.includes('AWSAccessKeyId=')) return 's3';
  const credential =
    /Credential=([^,\s]+)/.exec(request.headers.authorization ?? '')?.[1] ??
    queryPairs(request.rawQuery).find(([name]) => name === 'X-Amz-Credential')?.[1];
  return credential?.split('/')[3];
}

/**
 * Which service a request is for: by the scope of its signature, and for the two SageMaker APIs (and for unsigned requests) by `X-Amz-Target` and path.
 * undefined for a service that this host has not.
 */
export function chooseService(request: Addressed, service: string | undefined): ServiceName | undefined {
  const target = request.headers['x-amz-target'];
  switch (service) {
    case 'sagemaker':
      return target === undefined && request.rawPath.startsWith('/endpoints/') ? 'sagemaker-runtime' : 'sagemaker';
    case 's3':
    case 'sts':
    case 'iam':
      return service;
    case undefined:
      return chooseUnsigned(request, target);
    default:
      return undefined;
  }
}

function chooseUnsigned(request: Addressed, target: string | string[] | undefined): ServiceName | undefined {
  if (typeof target === 'string') return target.startsWith('SageMaker.') ? 'sagemaker' : undefined;
  if (request.method === 'POST' && INVOCATION_PATH.test(request.rawPath)) return 'sagemaker-runtime';
  const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return request.method === 'POST' && request.rawPath === '/' && isForm ? 'sts' : 's3';
}
