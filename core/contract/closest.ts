/** "Did you mean". Pure. */

/** Levenshtein distance in which two swapped neighbours cost one (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i || j))
  const at = (i: number, j: number) => rows[i]![j]!
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(i - 2, j - 2) + 1)
      rows[i]![j] = best
    }
  }
  return at(a.length, b.length)
}

const bare = (word: string) => word.toLowerCase().replace(/[_-]/g, '')

/** @returns the other candidate that `word` is most likely a slip of, or undefined if none is near */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined
  let best: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (candidate === word) continue
    const steps = distance(bare(word), bare(candidate))
    if (steps < least) [best, least] = [candidate, steps]
  }
  return best
}

/** @returns `did you mean "x"?`, or undefined */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const candidate = closest(word, candidates)
  return candidate === undefined ? undefined : `did you mean "${candidate}"?`
}
