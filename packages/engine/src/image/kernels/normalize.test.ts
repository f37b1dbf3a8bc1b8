import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageKernels } from './image-kernels.ts';
import { normalizeRgb } from './normalize.ts';

test('a window of RGB bytes is normalised into either layout', () => {
  const kernels = new ImageKernels();
  const [height, width] = [9, 14];
  const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 37) % 256);
  const source = kernels.allocate(pixels.length);
  kernels.bytes(source, pixels.length).set(pixels);
  const [mean, inverse] = [
    [123.675, 116.28, 103.53].map(Math.fround),
    [58.395, 57.12, 57.375].map((std) => Math.fround(1 / std)),
  ];
  for (const window of [
    { top: 0, left: 0, height, width },
    { top: 2, left: 3, height: 5, width: 7 },
    { top: 8, left: 13, height: 1, width: 1 },
  ]) {
    for (const layout of ['HWC', 'CHW'] as const) {
      const image = { address: source, height, width, channels: 3, type: 'UINT8' } as const;
      const address = normalizeRgb(kernels, image, window, mean, inverse, layout);
      const result = new Float32Array(kernels.bytes(address, window.height * window.width * 12).slice().buffer);
      for (let y = 0; y < window.height; y++) {
        for (let x = 0; x < window.width; x++) {
          for (let c = 0; c < 3; c++) {
            const value = pixels[((window.top + y) * width + window.left + x) * 3 + c]!;
            const expected = Math.fround(Math.fround(value - mean[c]!) * inverse[c]!);
            const at = layout === 'HWC' ? (y * window.width + x) * 3 + c : (c * window.height + y) * window.width + x;
            assert.equal(result[at], expected);
          }
        }
      }
      kernels.free(address);
    }
  }
});
