import { validationException } from '../errors.ts';

/** What starts a container of an image: a command with its arguments. */
export type LaunchCommand = readonly string[];

/** An image name without registry, tag and digest: `sagemaker-tritonserver` of `785….dkr.ecr.us-east-1.amazonaws.com/sagemaker-tritonserver:21.08-py3`. */
export function imageName(uri: string): string {
  const withoutDigest = uri.split('@', 1)[0] ?? '';
  const path = withoutDigest.slice(withoutDigest.lastIndexOf('/') + 1);
  return path.split(':', 1)[0] ?? '';
}

/** Repository names of Triton's images, on ECR and NGC, and of this project's own. */
const TRITON_IMAGES = ['sagemaker-tritonserver', 'sagemaker-tritonserver-neuronx', 'tritonserver', 'nereid'];

/** Maps image URIs to commands: Triton's images to the model server of this project, others as the operator says. */
export class ImageCatalog {
  readonly #triton: LaunchCommand;
  readonly #others: ReadonlyMap<string, LaunchCommand>;

  /** `others` maps image names, or whole URIs, to commands. */
  constructor(triton: LaunchCommand, others: ReadonlyMap<string, LaunchCommand>) {
    this.#triton = triton;
    this.#others = others;
  }

  /** Throws ValidationException for an image that nothing here runs. */
  resolve(uri: string): LaunchCommand {
    const name = imageName(uri);
    const command = this.#others.get(uri) ?? this.#others.get(name);
    if (command) return command;
    if (TRITON_IMAGES.includes(name)) return this.#triton;
    const known = [...TRITON_IMAGES, ...this.#others.keys()].join(', ');
    throw validationException(
      `Requested image ${uri} not found. This host runs no containers: it maps images to commands by their name, and knows ${known}. Map another with --image ${name}=COMMAND.`,
    );
  }
}
