// Turns a picture upright. `rowStep` and `columnStep` are the bytes to go in the source for one step down or right in the result, `origin`
// the source address of the result's first pixel: the eight EXIF orientations differ only in these. Works in tiles, so that a transposed
// read stays in the cache.

export function orient(origin: usize, rowStep: i32, columnStep: i32, dst: usize, height: i32, width: i32, pixelBytes: i32): void {
  const tile: i32 = 32;
  for (let y0: i32 = 0; y0 < height; y0 += tile) {
    const y1: i32 = min<i32>(height, y0 + tile);
    for (let x0: i32 = 0; x0 < width; x0 += tile) {
      const x1: i32 = min<i32>(width, x0 + tile);
      for (let y: i32 = y0; y < y1; ++y) {
        let at: usize = origin + <usize>(y * rowStep + x0 * columnStep);
        let to: usize = dst + <usize>((y * width + x0) * pixelBytes);
        for (let x: i32 = x0; x < x1; ++x) {
          if (pixelBytes == 3) {
            store<u16>(to, load<u16>(at));
            store<u8>(to, load<u8>(at, 2), 2);
          } else {
            for (let b: i32 = 0; b < pixelBytes; ++b) store<u8>(to + <usize>b, load<u8>(at + <usize>b));
          }
          at += <usize>columnStep;
          to += <usize>pixelBytes;
        }
      }
    }
  }
}
