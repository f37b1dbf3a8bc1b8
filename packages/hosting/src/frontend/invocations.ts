import type { DirectRules } from '@nereid/http';

/** Of a signature for this service. */
const SCOPE_END = '/sagemaker/aws4_request';

/** InvokeEndpoint as SDKs send it. Larger bodies stream: they go through `node:http`, as does what is signed for another service. */
export const INVOCATIONS: DirectRules = {
  path: /^\/endpoints\/[!-.0-9:;<=>@-~]+\/invocations$/,
  maxBodyBytes: 1024 * 1024,
  accepts: (headers) => {
    if (headers['x-amz-target'] !== undefined) return false;
    const { authorization, 'x-amz-content-sha256': payload } = headers;
    if (authorization !== undefined && !authorization.includes(SCOPE_END)) return false;
    return typeof payload !== 'string' || !payload.startsWith('STREAMING-');
  },
};
