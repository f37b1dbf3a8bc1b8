export { ArtifactError, type ArtifactReference, ArtifactStore, type PreparedArtifact } from './artifact-store.ts';
export { FileRoots } from './limited-file.ts';
export { type Location, parseLocation } from './location.ts';
export { MemberPathError, memberSegments } from './member-path.ts';
export { DEFAULT_UNPACK_LIMITS, type UnpackLimits } from './unpack.ts';
