export { ArtifactError, type ArtifactReference, ArtifactStore, type PreparedArtifact } from './artifact-store.ts';
export { FileRoots } from './limited-file.ts';
export { type Location, LocationError, parseLocation } from './location.ts';
export { MemberPathError, memberSegments } from './member-path.ts';
export { ArchiveError, DEFAULT_UNPACK_LIMITS, type UnpackLimits, unpackArchive } from './unpack.ts';
