import { type DataType, encodeBytesElements } from '@nereid/protocol';
import type { InferTensorContents } from '@nereid/protocol/grpc-service';
import { invalidResponse } from '../errors/index.ts';

/** Typed contents, as servers other than Triton send them, in the protocol's binary form. FP16 and BF16 have none. */
export function typedContents(name: string, dataType: DataType, contents: InferTensorContents): Uint8Array {
  switch (dataType) {
    case 'BOOL':
      return Uint8Array.from(contents.boolContents, Number);
    case 'INT8':
      return bytesOf(Int8Array.from(contents.intContents));
    case 'INT16':
      return bytesOf(Int16Array.from(contents.intContents));
    case 'INT32':
      return bytesOf(Int32Array.from(contents.intContents));
    case 'INT64':
      return bytesOf(BigInt64Array.from(contents.int64Contents));
    case 'UINT8':
      return Uint8Array.from(contents.uintContents);
    case 'UINT16':
      return bytesOf(Uint16Array.from(contents.uintContents));
    case 'UINT32':
      return bytesOf(Uint32Array.from(contents.uintContents));
    case 'UINT64':
      return bytesOf(BigUint64Array.from(contents.uint64Contents));
    case 'FP32':
      return bytesOf(Float32Array.from(contents.fp32Contents));
    case 'FP64':
      return bytesOf(Float64Array.from(contents.fp64Contents));
    case 'BYTES':
      return encodeBytesElements(contents.bytesContents);
    default:
      throw invalidResponse(`output '${name}' of type ${dataType} came as typed contents, which cannot hold it`);
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
