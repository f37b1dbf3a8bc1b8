import type { Arns } from '../arn.ts';
import { ServiceError } from '../errors.ts';

/** A container's answer as far as an error message needs it. */
export interface ModelFailure {
  readonly endpointName: string;
  readonly containerName: string;
  /** 0 when there was no answer. */
  readonly status: number;
  /** undefined when the container's text could not be read, or is too long to pass on. */
  readonly text: string | undefined;
}

/** 424 ModelError in the form that SDKs unpack into `OriginalStatusCode`, `OriginalMessage` and `LogStreamArn`. */
export function modelError(arns: Arns, failure: ModelFailure): ServiceError {
  const { endpointName, containerName, status, text } = failure;
  const isClient = status >= 400 && status < 500;
  const side = isClient ? 'client' : 'server';
  const said = text === undefined ? 'and could not load the entire response body' : `with message "${text}"`;
  const { region, accountId } = arns;
  const where = `See https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#logEventViewer:group=/aws/sagemaker/Endpoints/${endpointName} in account ${accountId} for more information.`;
  return new ServiceError('ModelError', `Received ${side} error (${status}) from ${containerName} ${said}. ${where}`, {
    httpStatus: 424,
    fields: {
      ErrorCode: isClient ? 'CLIENT_ERROR_FROM_MODEL' : 'INTERNAL_FAILURE_FROM_MODEL',
      OriginalStatusCode: status,
      OriginalMessage: text ?? '',
      LogStreamArn: arns.logGroup(endpointName),
    },
  });
}

/** What AWS says of a container that does not answer in time. */
export function timeoutText(containerName: string): string {
  return `Your invocation timed out while waiting for a response from container ${containerName}. Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again.`;
}

export function serviceUnavailable(message: string): ServiceError {
  return new ServiceError('ServiceUnavailable', message, { httpStatus: 503 });
}
