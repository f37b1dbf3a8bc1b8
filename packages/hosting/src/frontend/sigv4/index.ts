export { AuthError, type AuthFailure } from './auth-error.ts';
export { AwsChunkedDecoder, ChunkFormatError } from './aws-chunked.ts';
export { queryPairs, type SignableRequest } from './canonical-request.ts';
export { RequestSigner } from './sign.ts';
export { uriDecode, uriEncode, uriEncodePath } from './uri-encoding.ts';
export { type PayloadRule, SignatureVerifier, unverifiedPayloadRule, type VerifiedRequest } from './verify.ts';
