import { open } from 'node:fs/promises';
import { describeForeignFile, FOREIGN_FILE_BYTES } from '@nereid/onnx';

/** What a file is that should be a model and is not one, as the end of a sentence; undefined when nothing is known, or it cannot be read. */
export async function describeFile(path: string): Promise<string | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    if (!(await file.stat()).isFile()) return undefined;
    const { buffer, bytesRead } = await file.read(new Uint8Array(FOREIGN_FILE_BYTES), 0, FOREIGN_FILE_BYTES, 0);
    return describeForeignFile(buffer.subarray(0, bytesRead));
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}
