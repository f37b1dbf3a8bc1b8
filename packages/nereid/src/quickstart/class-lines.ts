/** Classes below it are as good as ruled out, and not shown. */
const LEAST_SCORE = 0.0001;

/** The best classes, best first; at least one. */
export function classLines(scores: readonly number[], labels: readonly string[], count: number): string[] {
  const ranked = scores.map((score, index) => ({ score, label: labels[index] ?? `class ${index}` }));
  ranked.sort((a, b) => b.score - a.score);
  return ranked
    .filter(({ score }, index) => index === 0 || (index < count && score >= LEAST_SCORE))
    .map(({ score, label }) => `${(score * 100).toFixed(2).padStart(6)} %   ${label}`);
}
