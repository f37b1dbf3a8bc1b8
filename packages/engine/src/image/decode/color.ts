/** Pixel conversions after decoding, per pixel over (H, W, C) uint8 or uint16 data. Formulas are DALI's (kernels/imgproc/color_manipulation). */
export type Samples = Uint8Array | Uint16Array;

/** Output of a decoder: `ANY_DATA` keeps the stored channels. */
export type ColorFormat = 'RGB' | 'BGR' | 'GRAY' | 'YCbCr' | 'ANY_DATA';

/** CMYK to RGB as DALI's JPEG decoder: k * c / 255 with an Adobe marker (stored inverted), else (255 - k)(255 - c) / 255, in integers. */
export function cmykToRgb(cmyk: Uint8Array, rgb: Uint8Array, isInverted: boolean): void {
  const flip = isInverted ? 0 : 255;
  for (let from = 0, to = 0; from < cmyk.length; from += 4, to += 3) {
    const k = flip === 0 ? cmyk[from + 3]! : 255 - cmyk[from + 3]!;
    for (let c = 0; c < 3; c++) {
      const ink = flip === 0 ? cmyk[from + c]! : 255 - cmyk[from + c]!;
      rgb[to + c] = Math.trunc((k * ink) / 255);
    }
  }
}

/** Number of channels a decoded picture has in `format`. */
export function outputChannels(format: ColorFormat, stored: number): number {
  if (format === 'GRAY') return 1;
  return format === 'ANY_DATA' ? stored : 3;
}

/**
 * Converts stored pixels (1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha) to `format`. Alpha is dropped, not blended, except under ANY_DATA.
 * `to` has outputChannels(format, channels) samples per pixel.
 */
export function convertColors(
  from: Samples,
  channels: number,
  to: Samples,
  format: ColorFormat,
  maximum: 255 | 65535,
): void {
  if (format === 'ANY_DATA' || (format === 'RGB' && channels === 3) || (format === 'GRAY' && channels === 1)) {
    to.set(from);
    return;
  }
  const pixels = from.length / channels;
  const isGray = channels <= 2;
  const convert = CONVERTERS[format];
  for (let i = 0; i < pixels; i++) {
    const at = i * channels;
    const red = from[at]!;
    convert(to, i, red, isGray ? red : from[at + 1]!, isGray ? red : from[at + 2]!, maximum);
  }
}

type Converter = (to: Samples, pixel: number, red: number, green: number, blue: number, maximum: number) => void;

const CONVERTERS: Readonly<Record<Exclude<ColorFormat, 'ANY_DATA'>, Converter>> = {
  RGB: (to, pixel, red, green, blue) => put(to, pixel, red, green, blue),
  BGR: (to, pixel, red, green, blue) => put(to, pixel, blue, green, red),
  GRAY: (to, pixel, red, green, blue) => {
    to[pixel] = Math.floor(0.299 * red + 0.587 * green + 0.114 * blue + 0.5);
  },
  // ITU-R BT.601, limited range: Y in 16..235, chroma around 128.
  YCbCr: (to, pixel, red, green, blue, maximum) => {
    const unit = maximum / 255;
    put(
      to,
      pixel,
      Math.floor(0.25678824 * red + 0.50412941 * green + 0.09790588 * blue + 16 * unit + 0.5),
      Math.floor(-0.1482229 * red - 0.29099279 * green + 0.43921569 * blue + 128 * unit + 0.5),
      Math.floor(0.43921569 * red - 0.36778831 * green - 0.07142737 * blue + 128 * unit + 0.5),
    );
  },
};

function put(to: Samples, pixel: number, first: number, second: number, third: number): void {
  to[3 * pixel] = first;
  to[3 * pixel + 1] = second;
  to[3 * pixel + 2] = third;
}
