import type { ConfigProblem, ModelConfig, TextLocations, TextProblem } from '../../config/index.ts';
import { type ModelId, printModelId } from '../model-id.ts';
import type { VersionDirectory } from '../versions.ts';
import type { InspectionProblem } from './types.ts';

/** A model while it is inspected: what is known of it, and what is wrong. */
export class InspectedModel {
  readonly id: ModelId;
  readonly directory: string;
  /** The configuration's path, the directory's when there is none. */
  file: string;
  /** Undefined when the text cannot be read. */
  config: ModelConfig | undefined;
  isConfigProvided = false;
  locations: TextLocations | undefined;
  versions: readonly VersionDirectory[] = [];
  readonly problems: InspectionProblem[] = [];
  readonly #said = new Set<string>();
  #hasErrors = false;

  constructor(id: ModelId, directory: string) {
    this.id = id;
    this.directory = directory;
    this.file = directory;
  }

  get name(): string {
    return printModelId(this.id);
  }

  get hasErrors(): boolean {
    return this.#hasErrors;
  }

  /** A problem of the configuration, at its place in the text where it has one. */
  addProblem({ message, path }: Pick<ConfigProblem, 'message' | 'path'>): void {
    const position = this.locations?.find(path);
    this.#add('error', message, position?.line, position?.column);
  }

  /** A problem of another file of the model. */
  addFileProblem(file: string, message: string): void {
    this.#add('error', message, undefined, undefined, file);
  }

  addTextProblem({ line, column, message }: TextProblem): void {
    this.#add('error', message, line, column);
  }

  addError(message: string): void {
    this.#add('error', message, undefined, undefined);
  }

  addWarning(message: string): void {
    this.#add('warning', message, undefined, undefined);
  }

  /** The same text is said once. */
  #add(
    severity: 'error' | 'warning',
    message: string,
    line: number | undefined,
    column: number | undefined,
    file = this.file,
  ): void {
    const key = `${line} ${message}`;
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#hasErrors ||= severity === 'error';
    this.problems.push({ severity, model: this.name, file, line, column, message, hint: undefined });
  }
}
