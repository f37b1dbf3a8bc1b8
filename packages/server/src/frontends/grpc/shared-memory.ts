import { StatusError } from '@nereid/protocol';
import { GRPCInferenceService } from '../../config/gen/grpc_service_pb.js';
import { sharedMemoryDisabled } from '../http/index.ts';
import { type GrpcMethod, unaryMethod } from './method.ts';

/** Regions of shared memory: there are none, because clients cannot register any. */
export function sharedMemoryMethods(): GrpcMethod[] {
  const { method } = GRPCInferenceService;
  const disabled = (): never => {
    throw sharedMemoryDisabled();
  };
  return [
    unaryMethod(method.systemSharedMemoryStatus, 'shared-memory', ({ name }) => status('system', name)),
    unaryMethod(method.systemSharedMemoryRegister, 'shared-memory', disabled),
    unaryMethod(method.systemSharedMemoryUnregister, 'shared-memory', disabled),
    unaryMethod(method.cudaSharedMemoryStatus, 'shared-memory', ({ name }) => status('cuda', name)),
    unaryMethod(method.cudaSharedMemoryRegister, 'shared-memory', ({ name }) => {
      throw new StatusError(
        'INVALID_ARG',
        `failed to register CUDA shared memory region: '${name}', GPUs not supported`,
      );
    }),
    unaryMethod(method.cudaSharedMemoryUnregister, 'shared-memory', disabled),
  ];
}

function status(memory: 'system' | 'cuda', region: string): { readonly regions: Record<string, never> } {
  if (region === '') return { regions: {} };
  throw new StatusError('NOT_FOUND', `Unable to find ${memory} shared memory region: '${region}'`);
}
