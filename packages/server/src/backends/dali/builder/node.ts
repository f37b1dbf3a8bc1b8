/** A tensor of a pipeline under construction: what one operator puts out and others take in. */
export class DataNode {
  /** The tensor's name in the file. */
  readonly name: string;
  readonly device: 'cpu' | 'gpu';

  constructor(name: string, device: 'cpu' | 'gpu') {
    this.name = name;
    this.device = device;
  }
}

/** A constant operand of an arithmetic function with its type given; a plain number is INT32 when it is whole, else FLOAT. */
export interface TypedConstant {
  readonly value: number;
  readonly type: 'INT32' | 'FLOAT';
}
