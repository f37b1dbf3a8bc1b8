/** Decoded pixels outside kernel memory, (H, W, C): 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. 16-bit samples use the full range. */
export interface PixelSource {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array | Uint16Array;
}
