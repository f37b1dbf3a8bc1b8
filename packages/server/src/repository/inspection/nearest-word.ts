/** Longer words are nobody's slip of the pen, and comparing them would take long. */
const MAX_LENGTH = 100;
const MAX_CANDIDATES = 5_000;

/**
 * The candidate that a misspelled word was meant to be: the same but for case and punctuation, one that contains it or is contained in it, or
 * one a few letters away. Undefined when none is near.
 */
export function nearestWord(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  let best: string | undefined;
  let bestDistance = Math.floor(word.length / 3) + 0.6;
  let count = 0;
  for (const candidate of candidates) {
    if (candidate === word || candidate.length > MAX_LENGTH) continue;
    if (++count > MAX_CANDIDATES) break;
    const distance = distanceOf(bare(word), bare(candidate)) + Math.abs(word.length - candidate.length) / 1_000;
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

function bare(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '') || word;
}

function distanceOf(word: string, candidate: string): number {
  if (word === candidate) return 0;
  const [short, long] = word.length < candidate.length ? [word, candidate] : [candidate, word];
  if (short.length >= 4 && (long.startsWith(short) || long.endsWith(short))) return 0.5;
  return editDistance(word, candidate);
}

/** Letters inserted, removed, replaced or swapped with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, isSwap ? beforeLast[j - 2]! + 1 : Infinity));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
