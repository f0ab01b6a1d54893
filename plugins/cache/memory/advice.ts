/** PURE. Advice on the size of the cache, from the estimate of the ghosts. */
import type { GhostEstimate } from '../api.ts'

/** Least gain of the hit ratio that justifies another config. */
const worthwhile = 0.03
const percent = (ratio: number) => `${(100 * ratio).toFixed(0)} %`

/** @param lookups so far @returns one line, or undefined where no change is worthwhile or too little is known */
export function advise({ same, half, double, quadruple, ttl }: GhostEstimate, lookups: number): string | undefined {
  if (lookups < 10_000) return undefined
  const hits = (ratio: number) => `hits in memory ${percent(same)} -> ${percent(ratio)}`
  if (double - same >= worthwhile) return `twice the entries: ${hits(double)}`
  if (quadruple - same >= worthwhile) return `four times the entries: ${hits(quadruple)}`
  if (ttl.double - same >= worthwhile) return `twice the time to live: ${hits(ttl.double)}`
  if (ttl.quadruple - same >= worthwhile) return `four times the time to live: ${hits(ttl.quadruple)}`
  if (same - half < worthwhile / 6) return `half the entries would do: ${hits(half)}`
  return undefined
}
