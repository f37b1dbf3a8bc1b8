// One pass of a separable resize. A pass reads uint8 or float32 and writes float32 (intermediate) or uint8 (rounded half up, clamped).
// For output i, `first[i]` is the index of its first source row or column (it may lie outside; edges repeat) and `weights[i * support ...]`
// are its float32 weights. Sums run in the order of the taps, one multiply and one add per tap, so that the plain TypeScript version
// (src/image/kernels/reference.ts) gives the same bits.

@inline
function bias<D>(): f32 {
  return isFloat<D>() ? 0.0 : 0.5;
}

@inline
function store1<D>(at: usize, sum: f32): void {
  if (isFloat<D>()) store<f32>(at, sum);
  else store<u8>(at, <u8>(sum <= 0 ? 0 : sum >= 255 ? 255 : <i32>sum));
}

/** `srcStride` is in bytes; `rowElements` of each row are used. Scratch for the row pointers of one output row: `support` 32-bit addresses at `pointers`. */
@inline
function vertical<S, D>(
  src: usize, srcStride: usize, dst: usize, rowElements: i32, srcRows: i32, outRows: i32,
  first: usize, weights: usize, support: i32, pointers: usize,
): void {
  const step: i32 = 16;
  for (let y: i32 = 0; y < outRows; ++y) {
    const base: i32 = load<i32>(first + (<usize>y << 2));
    const rowWeights: usize = weights + ((<usize>y * <usize>support) << 2);
    for (let k: i32 = 0; k < support; ++k) {
      const row: i32 = max<i32>(0, min<i32>(srcRows - 1, base + k));
      store<u32>(pointers + (<usize>k << 2), <u32>(src + <usize>row * srcStride));
    }
    const out: usize = dst + <usize>y * <usize>rowElements * sizeof<D>();
    let x: i32 = 0;
    for (; x + step <= rowElements; x += step) {
      let a: v128 = f32x4.splat(bias<D>());
      let b: v128 = a;
      let c: v128 = a;
      let d: v128 = a;
      for (let k: i32 = 0; k < support; ++k) {
        const at: usize = <usize>load<u32>(pointers + (<usize>k << 2)) + <usize>x * sizeof<S>();
        const w: v128 = v128.load32_splat(rowWeights + (<usize>k << 2));
        if (isFloat<S>()) {
          a = f32x4.add(a, f32x4.mul(w, v128.load(at)));
          b = f32x4.add(b, f32x4.mul(w, v128.load(at, 16)));
          c = f32x4.add(c, f32x4.mul(w, v128.load(at, 32)));
          d = f32x4.add(d, f32x4.mul(w, v128.load(at, 48)));
        } else {
          const bytes: v128 = v128.load(at);
          const low: v128 = i16x8.extend_low_i8x16_u(bytes);
          const high: v128 = i16x8.extend_high_i8x16_u(bytes);
          a = f32x4.add(a, f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(low))));
          b = f32x4.add(b, f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(low))));
          c = f32x4.add(c, f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(high))));
          d = f32x4.add(d, f32x4.mul(w, f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_u(high))));
        }
      }
      if (isFloat<D>()) {
        const to: usize = out + (<usize>x << 2);
        v128.store(to, a);
        v128.store(to, b, 16);
        v128.store(to, c, 32);
        v128.store(to, d, 48);
      } else {
        const low: v128 = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(a), i32x4.trunc_sat_f32x4_s(b));
        const high: v128 = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(c), i32x4.trunc_sat_f32x4_s(d));
        v128.store(out + <usize>x, i8x16.narrow_i16x8_u(low, high));
      }
    }
    for (; x < rowElements; ++x) {
      let sum: f32 = bias<D>();
      for (let k: i32 = 0; k < support; ++k) {
        const at: usize = <usize>load<u32>(pointers + (<usize>k << 2)) + <usize>x * sizeof<S>();
        sum += load<f32>(rowWeights + (<usize>k << 2)) * <f32>load<S>(at);
      }
      store1<D>(out + <usize>x * sizeof<D>(), sum);
    }
  }
}

/** Four neighbouring elements as floats; the caller keeps at least 16 readable bytes behind the last element. */
@inline
function load4<S>(at: usize): v128 {
  if (isFloat<S>()) return v128.load(at);
  return f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at))));
}

@inline
function storePixel<D>(to: usize, sum: v128, channels: i32): void {
  if (isFloat<D>()) {
    if (channels == 4) v128.store(to, sum);
    else {
      v128.store64_lane(to, sum, 0);
      store<f32>(to, f32x4.extract_lane(sum, 2), 8);
    }
  } else {
    const words: v128 = i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(sum), i32x4.splat(0));
    const bytes: v128 = i8x16.narrow_i16x8_u(words, words);
    if (channels == 4) v128.store32_lane(to, bytes, 0);
    else {
      v128.store16_lane(to, bytes, 0);
      v128.store8_lane(to, bytes, 2, 2);
    }
  }
}

/** Three or four channels: a pixel is one vector (its fourth lane is ignored for three). */
@inline
function horizontal4<S, D>(
  src: usize, dst: usize, rows: i32, srcWidth: i32, outWidth: i32, channels: i32,
  first: usize, weights: usize, support: i32,
): void {
  const pixel: usize = <usize>channels * sizeof<S>();
  const outPixel: usize = <usize>channels * sizeof<D>();
  for (let y: i32 = 0; y < rows; ++y) {
    const row: usize = src + <usize>y * <usize>srcWidth * pixel;
    let to: usize = dst + <usize>y * <usize>outWidth * outPixel;
    let w: usize = weights;
    for (let x: i32 = 0; x < outWidth; ++x) {
      const base: i32 = load<i32>(first + (<usize>x << 2));
      let sum: v128 = f32x4.splat(bias<D>());
      if (base >= 0 && base + support <= srcWidth) {
        let at: usize = row + <usize>base * pixel;
        for (let k: i32 = 0; k < support; ++k) {
          sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(w + (<usize>k << 2)), load4<S>(at)));
          at += pixel;
        }
      } else {
        for (let k: i32 = 0; k < support; ++k) {
          const column: i32 = max<i32>(0, min<i32>(srcWidth - 1, base + k));
          sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(w + (<usize>k << 2)), load4<S>(row + <usize>column * pixel)));
        }
      }
      storePixel<D>(to, sum, channels);
      to += outPixel;
      w += <usize>support << 2;
    }
  }
}

@inline
function horizontalAny<S, D>(
  src: usize, dst: usize, rows: i32, srcWidth: i32, outWidth: i32, channels: i32,
  first: usize, weights: usize, support: i32,
): void {
  const pixel: usize = <usize>channels * sizeof<S>();
  for (let y: i32 = 0; y < rows; ++y) {
    const row: usize = src + <usize>y * <usize>srcWidth * pixel;
    let to: usize = dst + <usize>y * <usize>outWidth * <usize>channels * sizeof<D>();
    let w: usize = weights;
    for (let x: i32 = 0; x < outWidth; ++x) {
      const base: i32 = load<i32>(first + (<usize>x << 2));
      for (let c: i32 = 0; c < channels; ++c) {
        let sum: f32 = bias<D>();
        for (let k: i32 = 0; k < support; ++k) {
          const column: i32 = max<i32>(0, min<i32>(srcWidth - 1, base + k));
          sum += load<f32>(w + (<usize>k << 2)) * <f32>load<S>(row + <usize>column * pixel + <usize>c * sizeof<S>());
        }
        store1<D>(to, sum);
        to += sizeof<D>();
      }
      w += <usize>support << 2;
    }
  }
}

@inline
function horizontal<S, D>(
  src: usize, dst: usize, rows: i32, srcWidth: i32, outWidth: i32, channels: i32,
  first: usize, weights: usize, support: i32,
): void {
  if (channels == 3 || channels == 4) horizontal4<S, D>(src, dst, rows, srcWidth, outWidth, channels, first, weights, support);
  else horizontalAny<S, D>(src, dst, rows, srcWidth, outWidth, channels, first, weights, support);
}

export function verticalU8F32(src: usize, srcStride: usize, dst: usize, rowElements: i32, srcRows: i32, outRows: i32, first: usize, weights: usize, support: i32, pointers: usize): void {
  vertical<u8, f32>(src, srcStride, dst, rowElements, srcRows, outRows, first, weights, support, pointers);
}
export function verticalU8U8(src: usize, srcStride: usize, dst: usize, rowElements: i32, srcRows: i32, outRows: i32, first: usize, weights: usize, support: i32, pointers: usize): void {
  vertical<u8, u8>(src, srcStride, dst, rowElements, srcRows, outRows, first, weights, support, pointers);
}
export function verticalF32F32(src: usize, srcStride: usize, dst: usize, rowElements: i32, srcRows: i32, outRows: i32, first: usize, weights: usize, support: i32, pointers: usize): void {
  vertical<f32, f32>(src, srcStride, dst, rowElements, srcRows, outRows, first, weights, support, pointers);
}
export function verticalF32U8(src: usize, srcStride: usize, dst: usize, rowElements: i32, srcRows: i32, outRows: i32, first: usize, weights: usize, support: i32, pointers: usize): void {
  vertical<f32, u8>(src, srcStride, dst, rowElements, srcRows, outRows, first, weights, support, pointers);
}
export function horizontalU8F32(src: usize, dst: usize, rows: i32, srcWidth: i32, outWidth: i32, channels: i32, first: usize, weights: usize, support: i32): void {
  horizontal<u8, f32>(src, dst, rows, srcWidth, outWidth, channels, first, weights, support);
}
export function horizontalU8U8(src: usize, dst: usize, rows: i32, srcWidth: i32, outWidth: i32, channels: i32, first: usize, weights: usize, support: i32): void {
  horizontal<u8, u8>(src, dst, rows, srcWidth, outWidth, channels, first, weights, support);
}
export function horizontalF32F32(src: usize, dst: usize, rows: i32, srcWidth: i32, outWidth: i32, channels: i32, first: usize, weights: usize, support: i32): void {
  horizontal<f32, f32>(src, dst, rows, srcWidth, outWidth, channels, first, weights, support);
}
export function horizontalF32U8(src: usize, dst: usize, rows: i32, srcWidth: i32, outWidth: i32, channels: i32, first: usize, weights: usize, support: i32): void {
  horizontal<f32, u8>(src, dst, rows, srcWidth, outWidth, channels, first, weights, support);
}
