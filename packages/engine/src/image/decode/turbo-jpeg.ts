import koffi from 'koffi';
import { ImageError } from '../image-error.ts';

/** TJPF_*: how decoded pixels are laid out. */
export const TURBO_PIXELS = { RGB: 0, GRAY: 6, CMYK: 11 } as const;
export type TurboPixels = keyof typeof TURBO_PIXELS;

const FLAG_FAST_DCT = 2048;
const FLAG_ACCURATE_DCT = 4096;
const FLAG_LIMIT_SCANS = 32768;
/** TJERR_WARNING: something was wrong, and decoding went on. */
const ERROR_WARNING = 0;

const DEFAULT_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  linux: ['libturbojpeg.so.0'],
  darwin: [
    '/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib',
    '/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib',
    'libturbojpeg.dylib',
  ],
  win32: ['turbojpeg.dll'],
};

interface Functions {
  readonly initDecompress: () => unknown;
  readonly decompress: (
    handle: unknown,
    jpeg: Uint8Array,
    byteLength: number,
    destination: Uint8Array,
    width: number,
    pitch: number,
    height: number,
    pixelFormat: number,
    flags: number,
  ) => number;
  readonly errorText: (handle: unknown) => string;
  readonly errorCode: (handle: unknown) => number;
  readonly destroy: (handle: unknown) => number;
}

/** libturbojpeg of the system, called through FFI on this thread: the same bytes as sharp for half the CPU. */
export class TurboJpeg {
  readonly #functions: Functions;
  readonly #handle: unknown;

  private constructor(functions: Functions, handle: unknown) {
    this.#functions = functions;
    this.#handle = handle;
  }

  /** Undefined where no library is found; it is optional. */
  static open(libraries: readonly string[] = DEFAULT_LIBRARIES[process.platform] ?? []): TurboJpeg | undefined {
    for (const path of libraries) {
      try {
        const functions = bind(path);
        const handle = functions.initDecompress();
        if (handle !== null) return new TurboJpeg(functions, handle);
      } catch {
        // Absent, or without these functions: try the next.
      }
    }
    return undefined;
  }

  /**
   * Decodes into `destination`, (height, width, channels of `pixels`) without gaps; width and height are the file's. Exact (ISLOW) DCT and smooth
   * chroma upsampling, as DALI's CPU decoder. Throws ImageError for data that ends early or cannot be decoded; lesser damage is
   * decoded as far as it goes, as DALI does.
   */
  decode(
    jpeg: Uint8Array,
    width: number,
    height: number,
    pixels: TurboPixels,
    fastDct: boolean,
    destination: Uint8Array,
  ): void {
    const flags = FLAG_LIMIT_SCANS | (fastDct ? FLAG_FAST_DCT : FLAG_ACCURATE_DCT);
    const { decompress, errorText, errorCode } = this.#functions;
    const status = decompress(
      this.#handle,
      jpeg,
      jpeg.length,
      destination,
      width,
      0,
      height,
      TURBO_PIXELS[pixels],
      flags,
    );
    if (status === 0) return;
    const text = errorText(this.#handle);
    if (/premature end of (jpeg|input) file/i.test(text))
      throw new ImageError('truncated', `truncated JPEG file (${text})`);
    if (errorCode(this.#handle) !== ERROR_WARNING)
      throw new ImageError('corrupt', `JPEG file cannot be decoded (${text})`);
  }

  close(): void {
    this.#functions.destroy(this.#handle);
  }
}

function bind(path: string): Functions {
  const library = koffi.load(path);
  return {
    initDecompress: library.func('void *tjInitDecompress()'),
    decompress: library.func(
      'int tjDecompress2(void *handle, const uint8_t *jpeg, unsigned long size, uint8_t *destination, int width, int pitch, int height, int format, int flags)',
    ),
    errorText: library.func('const char *tjGetErrorStr2(void *handle)'),
    errorCode: library.func('int tjGetErrorCode(void *handle)'),
    destroy: library.func('int tjDestroy(void *handle)'),
  };
}
