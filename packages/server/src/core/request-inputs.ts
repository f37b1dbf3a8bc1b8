import { type DataType, dataTypeByteSize, isDataType, StatusError, type Tensor } from '@nereid/protocol';
import { type InferenceRequest, type ModelSignature, requestPrefix, type TensorSignature } from '../inference/index.ts';
import { checkBytesTensor } from './bytes-tensor.ts';

const BATCH_NOTE =
  'NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to each input shape. ' +
  'If you want to specify the full shape including the batch dim in your input dims config, try setting max_batch_size to zero. ' +
  'See the model configuration docs for more info on max_batch_size.';

const MAX_INT64 = 2 ** 63;

/** A request's inputs as the backend wants them. */
export interface PreparedInputs {
  /** 0 for a model without a batch dimension. */
  readonly batchSize: number;
  /** Indexed like `ModelSignature.inputs`. */
  readonly inputs: readonly (Tensor | undefined)[];
  /** What is wrong with the contents where Triton finds it only after queueing, so that it is answered instead of thrown. */
  readonly lateError: StatusError | undefined;
}

/**
 * Checks a request's inputs against a model and applies `reshape`, with Triton's texts in Triton's order of checks. Inputs are walked
 * from the last to the first, which is how its hash map lists them.
 * @throws StatusError INVALID_ARG
 */
export function prepareInputs(
  modelName: string,
  signature: ModelSignature,
  requiredCount: number,
  request: InferenceRequest,
): PreparedInputs {
  const given = request.inputs;
  const { inputs: expected, inputIndex, maxBatchSize } = signature;
  checkDuplicates(request);
  if (given.length > expected.length || given.length < requiredCount) {
    throw countError(modelName, signature, requiredCount, request);
  }
  const prepared: (Tensor | undefined)[] = [];
  for (let index = 0; index < expected.length; index++) prepared.push(undefined);
  const batchSize = maxBatchSize > 0 ? batchSizeOf(modelName, signature, request) : 0;
  if (batchSize > maxBatchSize) {
    throw refusal(request, `inference request batch-size must be <= ${maxBatchSize} for '${modelName}'`);
  }
  let lateError: StatusError | undefined;
  for (let position = given.length - 1; position >= 0; position--) {
    const tensor = given[position]!;
    const index = inputIndex.get(tensor.name);
    if (index === undefined) throw unexpectedInput(tensor.name, modelName);
    const input = expected[index]!;
    checkDataType(modelName, input, tensor, request);
    checkShape(modelName, input, tensor, maxBatchSize > 0, request);
    prepared[index] = input.reshape === undefined ? tensor : reshapeInput(tensor, input, input.reshape, batchSize);
    lateError = checkSize(modelName, input.dataType, tensor, batchSize, maxBatchSize > 0, request) ?? lateError;
  }
  return { batchSize, inputs: prepared, lateError };
}

function refusal(request: InferenceRequest, message: string): StatusError {
  return new StatusError('INVALID_ARG', requestPrefix(request) + message);
}

function unexpectedInput(name: string, modelName: string): StatusError {
  return new StatusError('INVALID_ARG', `unexpected inference input '${name}' for model '${modelName}'`);
}

/** What error texts call an input. */
function shownName(tensor: Tensor, request: InferenceRequest): string {
  return request.rawInputName ?? tensor.name;
}

/** Names are compared pair by pair while that is cheaper than a set. */
const FEW_INPUTS = 8;

function checkDuplicates(request: InferenceRequest): void {
  const given = request.inputs;
  const duplicate = given.length <= FEW_INPUTS ? duplicateOfFew(given) : duplicateOfMany(given);
  if (duplicate !== undefined) throw refusal(request, `input '${duplicate}' already exists in request`);
}

function duplicateOfFew(given: readonly Tensor[]): string | undefined {
  for (let position = 1; position < given.length; position++) {
    const { name } = given[position]!;
    for (let earlier = 0; earlier < position; earlier++) if (given[earlier]!.name === name) return name;
  }
  return undefined;
}

function duplicateOfMany(given: readonly Tensor[]): string | undefined {
  const names = new Set<string>();
  for (const { name } of given) {
    if (names.has(name)) return name;
    names.add(name);
  }
  return undefined;
}

function countError(
  modelName: string,
  signature: ModelSignature,
  requiredCount: number,
  request: InferenceRequest,
): StatusError {
  const names = new Set(request.inputs.map(({ name }) => name));
  const missing = signature.inputs.filter((input) => !input.optional && !names.has(input.name));
  // Triton drops the last character of both lists, which is the bracket when there is nothing to list.
  const missingText = missing.length === 0 ? ']' : `[${missing.map(({ name }) => `'${name}'`).join(',')}]`;
  const givenText = `[${[...names]
    .reverse()
    .map((name) => `'${name}'`)
    .join(',')}]`;
  const total = signature.inputs.length;
  const expectation =
    total === requiredCount
      ? `expected ${total} inputs`
      : `expected number of inputs between ${requiredCount} and ${total}`;
  return refusal(
    request,
    `${expectation} but got ${request.inputs.length} inputs for model '${modelName}'. Got input(s) ${givenText}, but missing required input(s) ` +
      `${missingText}. Please provide all required input(s).`,
  );
}

/** The batch dimension all inputs agree on. Triton lets a size of 0 be overruled by the next input. */
function batchSizeOf(modelName: string, signature: ModelSignature, request: InferenceRequest): number {
  let batchSize = 0;
  const given = request.inputs;
  for (let position = given.length - 1; position >= 0; position--) {
    const tensor = given[position]!;
    if (!signature.inputIndex.has(tensor.name)) throw unexpectedInput(tensor.name, modelName);
    const first = tensor.shape[0];
    if (first === undefined) {
      throw refusal(
        request,
        `input '${shownName(tensor, request)}' has no shape but model requires batch dimension for '${modelName}'`,
      );
    }
    // Triton keeps it in 32 bits without sign: what is negative is above every maximum.
    if (batchSize === 0) batchSize = first < 0 ? Number.POSITIVE_INFINITY : first;
    else if (first !== batchSize) {
      throw refusal(
        request,
        `input '${shownName(tensor, request)}' batch size does not match other inputs for '${modelName}'`,
      );
    }
  }
  return batchSize;
}

function checkDataType(modelName: string, input: TensorSignature, tensor: Tensor, request: InferenceRequest): void {
  if (tensor.dataType === input.dataType) return;
  const given = isDataType(tensor.dataType) ? tensor.dataType : '<invalid>';
  throw refusal(
    request,
    `inference input '${shownName(tensor, request)}' data-type is '${given}', but model '${modelName}' expects '${input.dataType}'`,
  );
}

function checkShape(
  modelName: string,
  input: TensorSignature,
  tensor: Tensor,
  batching: boolean,
  request: InferenceRequest,
): void {
  const { dims } = input;
  const { shape } = tensor;
  const offset = batching ? 1 : 0;
  let matches = shape.length === dims.length + offset;
  for (let axis = 0; matches && axis < dims.length; axis++) {
    const size = shape[axis + offset]!;
    if (size === -1) {
      throw refusal(
        request,
        `All input dimensions should be specified for input '${shownName(tensor, request)}' for model '${modelName}', got ${printShape(shape)}`,
      );
    }
    matches = dims[axis] === -1 || dims[axis] === size;
  }
  if (matches) return;
  const wanted = printShape(batching ? [-1, ...dims] : dims);
  throw refusal(
    request,
    `unexpected shape for input '${shownName(tensor, request)}' for model '${modelName}'. Expected ${wanted}, got ${printShape(shape)}. ` +
      (batching ? BATCH_NOTE : ''),
  );
}

function printShape(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}

/** The tensor with `reshape.shape` behind its batch dimension; variable dimensions keep their order. */
function reshapeInput(tensor: Tensor, input: TensorSignature, target: readonly number[], batchSize: number): Tensor {
  const offset = tensor.shape.length - input.dims.length;
  const variable = input.dims.flatMap((dim, axis) => (dim === -1 ? [tensor.shape[axis + offset]!] : []));
  const shape: number[] = offset === 0 || batchSize === 0 ? [...tensor.shape.slice(0, offset)] : [batchSize];
  let next = 0;
  for (const dim of target) shape.push(dim === -1 ? variable[next++]! : dim);
  return { name: tensor.name, dataType: tensor.dataType, shape, data: tensor.data, bytesExtent: tensor.bytesExtent };
}

/** Compares the number of bytes with the shape. A batch of 0 counts as 1, as in Triton. */
function checkSize(
  modelName: string,
  dataType: DataType,
  tensor: Tensor,
  batchSize: number,
  batching: boolean,
  request: InferenceRequest,
): StatusError | undefined {
  const { shape } = tensor;
  let count = batching ? Math.max(1, batchSize) : 1;
  for (let axis = batching ? 1 : 0; axis < shape.length; axis++) {
    const size = shape[axis]!;
    if (size < 0) throw invalidDimension(tensor, request, dataType);
    count *= size;
  }
  if (dataType === 'BYTES') {
    if (count >= MAX_INT64) throw tooLarge('element count', tensor, request);
    return checkBytesTensor(tensor, count, shownName(tensor, request), modelName, request);
  }
  const expected = count * dataTypeByteSize(dataType);
  if (expected >= MAX_INT64) throw tooLarge('byte size', tensor, request);
  if (tensor.data.byteLength !== expected) {
    throw refusal(
      request,
      `input byte size mismatch for input '${shownName(tensor, request)}' for model '${modelName}'. Expected ${BigInt(expected)}, got ${tensor.data.byteLength}`,
    );
  }
  return undefined;
}

function invalidDimension(tensor: Tensor, request: InferenceRequest, dataType: DataType): StatusError {
  const place = dataType === 'BYTES' ? 'in shape ' : '';
  return new StatusError(
    'INVALID_ARG',
    `tensor '${shownName(tensor, request)}' contains an invalid dimension ${place}${printShape(tensor.shape)}`,
  );
}

function tooLarge(what: string, tensor: Tensor, request: InferenceRequest): StatusError {
  return new StatusError(
    'INVALID_ARG',
    `${what} for tensor '${shownName(tensor, request)}' exceeds maximum size of 9223372036854775807`,
  );
}
