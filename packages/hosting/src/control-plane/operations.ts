import type { Arns } from '../arn.ts';
import { validationException } from '../errors.ts';
import type { JsonOperation } from '../frontend/index.ts';
import type { ImageCatalog } from '../instances/index.ts';
import type { EndpointConfigDefinition, ModelDefinition } from '../service-model/index.ts';
import { checkEndpointConfig } from './check-endpoint-config.ts';
import { checkModel } from './check-model.ts';
import { epochSeconds } from './describe-endpoint.ts';
import type { Endpoints } from './endpoints.ts';
import { type ListInput, listPage } from './list-query.ts';
import type { Resource, ResourceTable } from './resources.ts';
import type { Tags } from './tags.ts';

export interface ControlPlane {
  readonly arns: Arns;
  readonly models: ResourceTable<ModelDefinition>;
  readonly configs: ResourceTable<EndpointConfigDefinition>;
  readonly endpoints: Endpoints;
  readonly tags: Tags;
  readonly images: ImageCatalog;
}

/** What a Describe operation gives back of a create call's input: all of it but the tags. */
function withoutTags<Input extends object>(input: Input): Input {
  const { Tags: _tags, ...rest } = input as Input & { Tags?: unknown };
  return rest as Input;
}

type Input = Readonly<Record<string, unknown>>;

/** Inputs have passed the service model's checks by the time an operation sees them, so their known members have the types written here. */
function as<Type>(input: Input): Type {
  return input as Type;
}

function modelOperations({ models, images }: ControlPlane): [string, JsonOperation][] {
  const named = (input: Input): Resource<ModelDefinition> => models.get(as<{ ModelName: string }>(input).ModelName);
  return [
    [
      'CreateModel',
      (input) => {
        const definition = withoutTags(as<ModelDefinition>(input));
        checkModel(definition, images);
        return { ModelArn: models.create(definition.ModelName, definition, input['Tags']) };
      },
    ],
    [
      'DescribeModel',
      (input) => {
        const { definition, arn, createdMs } = named(input);
        return { ...definition, ModelArn: arn, CreationTime: epochSeconds(createdMs) };
      },
    ],
    ['DeleteModel', (input) => models.delete(named(input).name)],
    [
      'ListModels',
      (input) => {
        const { items, nextToken } = listPage(models.all(), as<ListInput>(input));
        const Models = items.map(({ name, arn, createdMs }) => ({
          ModelName: name,
          ModelArn: arn,
          CreationTime: epochSeconds(createdMs),
        }));
        return { Models, NextToken: nextToken };
      },
    ],
  ];
}

function configOperations({ configs, models }: ControlPlane): [string, JsonOperation][] {
  const named = (input: Input): Resource<EndpointConfigDefinition> =>
    configs.get(as<{ EndpointConfigName: string }>(input).EndpointConfigName);
  return [
    [
      'CreateEndpointConfig',
      (input) => {
        const definition = withoutTags(as<EndpointConfigDefinition>(input));
        checkEndpointConfig(definition, (name) => void models.get(name));
        return { EndpointConfigArn: configs.create(definition.EndpointConfigName, definition, input['Tags']) };
      },
    ],
    [
      'DescribeEndpointConfig',
      (input) => {
        const { definition, arn, createdMs } = named(input);
        return { ...definition, EndpointConfigArn: arn, CreationTime: epochSeconds(createdMs) };
      },
    ],
    ['DeleteEndpointConfig', (input) => configs.delete(named(input).name)],
    [
      'ListEndpointConfigs',
      (input) => {
        const { items, nextToken } = listPage(configs.all(), as<ListInput>(input));
        const EndpointConfigs = items.map(({ name, arn, createdMs }) => ({
          EndpointConfigName: name,
          EndpointConfigArn: arn,
          CreationTime: epochSeconds(createdMs),
        }));
        return { EndpointConfigs, NextToken: nextToken };
      },
    ],
  ];
}

function endpointOperations({ endpoints }: ControlPlane): [string, JsonOperation][] {
  const nameOf = (input: Input): string => as<{ EndpointName: string }>(input).EndpointName;
  return [
    ['CreateEndpoint', (input) => endpoints.create(as(input))],
    ['DescribeEndpoint', (input) => endpoints.describe(nameOf(input))],
    ['UpdateEndpoint', (input) => endpoints.update(as(input))],
    ['UpdateEndpointWeightsAndCapacities', (input) => endpoints.updateWeightsAndCapacities(as(input))],
    ['DeleteEndpoint', (input) => endpoints.delete(nameOf(input))],
    ['ListEndpoints', (input) => endpoints.list(as(input))],
  ];
}

interface TagsInput {
  readonly ResourceArn: string;
  readonly TagKeys?: readonly string[];
  readonly NextToken?: string;
  readonly MaxResults?: number;
}

const TAGS_PAGE = 50;

function tagOperations({ arns, models, configs, endpoints, tags }: ControlPlane): [string, JsonOperation][] {
  const existing = (resourceArn: string): string => {
    const [, kind, name = ''] = /^arn:[^:]+:sagemaker:[^:]*:\d{12}:([a-z-]+)\/(.+)$/.exec(resourceArn) ?? [];
    if (kind === 'model') return models.get(name).arn;
    if (kind === 'endpoint-config') return configs.get(name).arn;
    if (kind !== 'endpoint')
      throw validationException(`Resource "${resourceArn}" is of a type that this host does not keep.`);
    endpoints.assertExists(name);
    return arns.resource('endpoint', name);
  };
  return [
    ['AddTags', (input) => ({ Tags: tags.add(existing(as<TagsInput>(input).ResourceArn), input['Tags']) })],
    [
      'ListTags',
      (input) => {
        const { ResourceArn, NextToken, MaxResults = TAGS_PAGE } = as<TagsInput>(input);
        const all = tags.list(existing(ResourceArn));
        const from = NextToken === undefined ? 0 : Number(NextToken);
        if (!Number.isInteger(from) || from < 0) throw validationException('The NextToken is invalid.');
        const end = from + MaxResults;
        return { Tags: all.slice(from, end), NextToken: end < all.length ? String(end) : undefined };
      },
    ],
    [
      'DeleteTags',
      (input) => {
        const { ResourceArn, TagKeys = [] } = as<TagsInput>(input);
        tags.remove(existing(ResourceArn), TagKeys);
        return {};
      },
    ],
  ];
}

/** All control-plane operations that the host serves, by name. */
export function controlPlaneOperations(plane: ControlPlane): ReadonlyMap<string, JsonOperation> {
  return new Map([
    ...modelOperations(plane),
    ...configOperations(plane),
    ...endpointOperations(plane),
    ...tagOperations(plane),
  ]);
}
