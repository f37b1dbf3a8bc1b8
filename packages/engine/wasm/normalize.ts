// (x - mean[c]) * inverse[c] in float32 for uint8 pixels of three channels, read from rows of a larger picture.
// `mean` and `inverse` are three floats each. Rows start `srcStride` bytes apart; `width` pixels of each are used.

/** (H, W, 3) uint8 -> (H, W, 3) float32. Reads up to 16 bytes past the last pixel. */
export function normalizeHwc3(src: usize, srcStride: i32, dst: usize, height: i32, width: i32, mean: usize, inverse: usize): void {
  const m0: f32 = load<f32>(mean);
  const m1: f32 = load<f32>(mean, 4);
  const m2: f32 = load<f32>(mean, 8);
  const i0: f32 = load<f32>(inverse);
  const i1: f32 = load<f32>(inverse, 4);
  const i2: f32 = load<f32>(inverse, 8);
  const meanA: v128 = f32x4.replace_lane(f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(m0), 1, m1), 2, m2), 3, m0);
  const meanB: v128 = f32x4.replace_lane(f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(m1), 1, m2), 2, m0), 3, m1);
  const meanC: v128 = f32x4.replace_lane(f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(m2), 1, m0), 2, m1), 3, m2);
  const invA: v128 = f32x4.replace_lane(f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(i0), 1, i1), 2, i2), 3, i0);
  const invB: v128 = f32x4.replace_lane(f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(i1), 1, i2), 2, i0), 3, i1);
  const invC: v128 = f32x4.replace_lane(f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(i2), 1, i0), 2, i1), 3, i2);
  let to: usize = dst;
  for (let y: i32 = 0; y < height; ++y) {
    let at: usize = src + <usize>y * <usize>srcStride;
    let x: i32 = 0;
    for (; x + 4 <= width; x += 4) {
      const bytes: v128 = v128.load(at);
      const low: v128 = i16x8.extend_low_i8x16_u(bytes);
      const high: v128 = i16x8.extend_high_i8x16_u(bytes);
      const a: v128 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low));
      const b: v128 = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low));
      const c: v128 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high));
      v128.store(to, f32x4.mul(f32x4.sub(a, meanA), invA));
      v128.store(to, f32x4.mul(f32x4.sub(b, meanB), invB), 16);
      v128.store(to, f32x4.mul(f32x4.sub(c, meanC), invC), 32);
      at += 12;
      to += 48;
    }
    for (; x < width; ++x) {
      store<f32>(to, (<f32>load<u8>(at) - m0) * i0);
      store<f32>(to, (<f32>load<u8>(at, 1) - m1) * i1, 4);
      store<f32>(to, (<f32>load<u8>(at, 2) - m2) * i2, 8);
      at += 3;
      to += 12;
    }
  }
}

/** (H, W, 3) uint8 -> (3, H, W) float32. Reads up to 16 bytes past the last pixel. */
export function normalizeChw3(src: usize, srcStride: i32, dst: usize, height: i32, width: i32, mean: usize, inverse: usize): void {
  const m0: v128 = v128.load32_splat(mean);
  const m1: v128 = v128.load32_splat(mean, 4);
  const m2: v128 = v128.load32_splat(mean, 8);
  const i0: v128 = v128.load32_splat(inverse);
  const i1: v128 = v128.load32_splat(inverse, 4);
  const i2: v128 = v128.load32_splat(inverse, 8);
  const zero: v128 = i32x4.splat(0);
  const plane: usize = (<usize>height * <usize>width) << 2;
  let to: usize = dst;
  for (let y: i32 = 0; y < height; ++y) {
    let at: usize = src + <usize>y * <usize>srcStride;
    let x: i32 = 0;
    for (; x + 4 <= width; x += 4) {
      const bytes: v128 = v128.load(at);
      const r: v128 = i8x16.shuffle(bytes, zero, 0, 16, 16, 16, 3, 16, 16, 16, 6, 16, 16, 16, 9, 16, 16, 16);
      const g: v128 = i8x16.shuffle(bytes, zero, 1, 16, 16, 16, 4, 16, 16, 16, 7, 16, 16, 16, 10, 16, 16, 16);
      const b: v128 = i8x16.shuffle(bytes, zero, 2, 16, 16, 16, 5, 16, 16, 16, 8, 16, 16, 16, 11, 16, 16, 16);
      v128.store(to, f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(r), m0), i0));
      v128.store(to + plane, f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(g), m1), i1));
      v128.store(to + plane * 2, f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(b), m2), i2));
      at += 12;
      to += 16;
    }
    for (; x < width; ++x) {
      store<f32>(to, (<f32>load<u8>(at) - load<f32>(mean)) * load<f32>(inverse));
      store<f32>(to + plane, (<f32>load<u8>(at, 1) - load<f32>(mean, 4)) * load<f32>(inverse, 4));
      store<f32>(to + plane * 2, (<f32>load<u8>(at, 2) - load<f32>(mean, 8)) * load<f32>(inverse, 8));
      at += 3;
      to += 4;
    }
  }
}
