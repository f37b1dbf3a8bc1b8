import { cString, StatusError } from '@nereid/protocol';
import { GRPCInferenceService } from '@nereid/protocol/grpc-service';
import type { SharedMemory } from '../../inference/index.ts';
import { noCudaRegion, sharedMemoryDisabled } from '../http/index.ts';
import { type GrpcMethod, unaryMethod } from './method.ts';

/** Regions of shared memory; `memory` undefined: there are none and none can be registered. */
export function sharedMemoryMethods(memory: SharedMemory | undefined): GrpcMethod[] {
  const { method } = GRPCInferenceService;
  const allowed = (): SharedMemory => {
    if (memory?.allowed !== true) throw sharedMemoryDisabled();
    return memory;
  };
  return [
    unaryMethod(method.systemSharedMemoryStatus, 'shared-memory', ({ name }) => systemStatus(memory, name)),
    unaryMethod(method.systemSharedMemoryRegister, 'shared-memory', ({ name, key, offset, byteSize }) => {
      allowed().register(name, cString(key), offset, byteSize);
      return {};
    }),
    unaryMethod(method.systemSharedMemoryUnregister, 'shared-memory', ({ name }) => {
      allowed().unregister(name);
      return {};
    }),
    unaryMethod(method.cudaSharedMemoryStatus, 'shared-memory', ({ name }) => {
      if (name === '') return { regions: {} };
      throw noCudaRegion(memory, name);
    }),
    unaryMethod(method.cudaSharedMemoryRegister, 'shared-memory', ({ name }) => {
      throw new StatusError(
        'INVALID_ARG',
        `failed to register CUDA shared memory region: '${name}', GPUs not supported`,
      );
    }),
    unaryMethod(method.cudaSharedMemoryUnregister, 'shared-memory', () => {
      allowed();
      return {};
    }),
  ];
}

function systemStatus(memory: SharedMemory | undefined, name: string) {
  if (memory === undefined && name !== '') {
    throw new StatusError('NOT_FOUND', `Unable to find system shared memory region: '${name}'`);
  }
  const regions = (memory?.regions(name) ?? []).map((region) => [
    region.name,
    { name: region.name, key: region.key, offset: BigInt(region.offset), byteSize: BigInt(region.byteSize) },
  ]);
  return { regions: Object.fromEntries(regions) };
}
