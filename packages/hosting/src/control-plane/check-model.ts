import { parseLocation } from '../artifacts/index.ts';
import { messageOf, validationException } from '../errors.ts';
import type { ImageCatalog } from '../instances/index.ts';
import { type ContainerDefinition, containersOf, type ModelDefinition } from '../service-model/index.ts';

function checkContainer(container: ContainerDefinition, images: ImageCatalog): void {
  if (container.Image === undefined) {
    const what =
      container.ModelPackageName === undefined
        ? 'A container must have an Image.'
        : 'Model packages are not served by this host: give Image and ModelDataUrl.';
    throw validationException(what);
  }
  images.resolve(container.Image);
  const source = container.ModelDataSource?.S3DataSource;
  if (source && container.ModelDataUrl !== undefined) {
    throw validationException('Only one of ModelDataUrl and ModelDataSource can be specified for a container.');
  }
  if (source?.S3DataType === 'S3Prefix' && source.CompressionType === 'Gzip') {
    throw validationException('S3DataType S3Prefix takes CompressionType None: name a compressed archive by S3Object.');
  }
  const url = source?.S3Uri ?? container.ModelDataUrl;
  if (url !== undefined) {
    try {
      parseLocation(url);
    } catch (error) {
      throw validationException(messageOf(error));
    }
  }
  if (container.Mode === 'MultiModel' && url === undefined) {
    throw validationException('A container in MultiModel mode must have a ModelDataUrl, the prefix of its models.');
  }
}

/** The rules of CreateModel that are no constraints of single members. Throws ValidationException. */
export function checkModel(model: ModelDefinition, images: ImageCatalog): void {
  if (model.PrimaryContainer && model.Containers) {
    throw validationException('Both PrimaryContainer and Containers cannot be specified: give one of them.');
  }
  const containers = containersOf(model);
  if (containers.length === 0) throw validationException('Either PrimaryContainer or Containers must be specified.');
  for (const { definition } of containers) checkContainer(definition, images);
  const names = containers.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined)
    throw validationException(`The container host name "${repeated}" is not unique within the model.`);
  if (containers.length > 1 && containers.some(({ definition }) => definition.Mode === 'MultiModel')) {
    throw validationException('A container in MultiModel mode must be the only container of its model.');
  }
  const isDirect = model.InferenceExecutionConfig?.Mode === 'Direct';
  if (isDirect && containers.some(({ definition }) => definition.ContainerHostname === undefined)) {
    throw validationException(
      'Every container must have a ContainerHostname when the inference execution mode is Direct.',
    );
  }
}
