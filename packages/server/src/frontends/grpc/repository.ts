import { cString, StatusError } from '@nereid/protocol';
import { GRPCInferenceService, type ModelRepositoryParameter } from '@nereid/protocol/grpc-service';
import type { InferenceServer, LoadOverrides } from '../../inference/index.ts';
import { type GrpcMethod, unaryMethod } from './method.ts';

const FILE_PREFIX = 'file:';

type Parameters = Readonly<Record<string, ModelRepositoryParameter>>;

/** The repository index, load and unload. */
export function repositoryMethods(server: InferenceServer): GrpcMethod[] {
  const { method } = GRPCInferenceService;
  return [
    unaryMethod(method.repositoryIndex, 'model-repository', ({ repositoryName, ready }) => {
      refuseRepositoryName(repositoryName);
      return {
        models: server.repositoryIndex(ready).map((entry) => ({
          name: entry.name,
          version: entry.version === undefined ? '' : String(entry.version),
          state: entry.state ?? '',
          reason: entry.reason ?? '',
        })),
      };
    }),
    unaryMethod(method.repositoryModelLoad, 'model-repository', async ({ repositoryName, modelName, parameters }) => {
      refuseRepositoryName(repositoryName);
      await server.loadModel(modelName, readOverrides(parameters));
      return {};
    }),
    unaryMethod(method.repositoryModelUnload, 'model-repository', async ({ repositoryName, modelName, parameters }) => {
      refuseRepositoryName(repositoryName);
      await server.unloadModel(modelName, { unloadDependents: readUnloadDependents(parameters) });
      return {};
    }),
  ];
}

function refuseRepositoryName(name: string): void {
  if (name !== '') throw new StatusError('UNSUPPORTED', "'repository_name' specification is not supported");
}

function readOverrides(parameters: Parameters): LoadOverrides | undefined {
  const entries = Object.entries(parameters);
  if (entries.length === 0) return undefined;
  let config: string | undefined;
  const files = new Map<string, Uint8Array>();
  for (const [name, { parameterChoice: choice }] of entries) {
    if (name === 'config') {
      if (choice.case !== 'stringParam') throw wrongType(`load parameter '${name}'`, 'string_param');
      config = cString(choice.value);
    } else if (name.startsWith(FILE_PREFIX)) {
      if (choice.case !== 'bytesParam') throw wrongType(`load parameter '${name}'`, 'bytes_param');
      files.set(name.slice(FILE_PREFIX.length), choice.value);
    } else {
      throw new StatusError('INVALID_ARG', `unrecognized load parameter '${name}'.`);
    }
  }
  return { ...(config === undefined ? {} : { config }), ...(files.size === 0 ? {} : { files }) };
}

function readUnloadDependents(parameters: Parameters): boolean {
  // Object.hasOwn: a parameter may have any name, `constructor` too.
  if (!Object.hasOwn(parameters, 'unload_dependents')) return false;
  const choice = parameters['unload_dependents']!.parameterChoice;
  if (choice.case !== 'boolParam') throw wrongType("'unload_dependents' parameter", 'bool_param');
  return choice.value;
}

function wrongType(what: string, expected: string): StatusError {
  return new StatusError('INVALID_ARG', `invalid value type for ${what}, expected ${expected}.`);
}
