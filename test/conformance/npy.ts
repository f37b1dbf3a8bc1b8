/** An array from a `.npy` file. */
export interface Npy {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Reads NumPy's format, versions 1 to 3, of dense uint8, float32 and float64 arrays in C order (numpy.lib.format). Throws Error for others. */
export function readNpy(bytes: Uint8Array): Npy {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isWide = bytes[6]! >= 2;
  const start = isWide ? 12 : 10;
  const length = isWide ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = Buffer.from(bytes.subarray(start, start + length)).toString('latin1');
  const type = /'descr': '([^']+)'/.exec(header)?.[1];
  const shape = /'shape': \(([^)]*)\)/
    .exec(header)?.[1]
    ?.split(',')
    .filter((text) => text.trim() !== '')
    .map(Number);
  if (shape === undefined || header.includes("'fortran_order': True"))
    throw new Error(`unsupported .npy header: ${header}`);
  const data = Uint8Array.from(bytes.subarray(start + length));
  if (type === '|u1') return { shape, values: [...data] };
  if (type === '<f4') return { shape, values: [...new Float32Array(data.buffer)] };
  if (type === '<f8') return { shape, values: [...new Float64Array(data.buffer)] };
  throw new Error(`unsupported .npy type ${type}`);
}
