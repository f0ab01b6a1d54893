/** PURE. What the ghosts' estimate says to whoever sizes the cache. */
import type { GhostEstimate } from './api.ts'

/** Change of the hit ratio that is worth a change of the configuration. */
const worthwhile = 0.03
const percent = (ratio: number) => `${(100 * ratio).toFixed(0)} %`

/** @param uses look-ups so far @returns one line, or undefined where nothing is worth doing or too little is known */
export function advise({ same, half, double, quadruple, ttl }: GhostEstimate, uses: number): string | undefined {
  if (uses < 10_000) return undefined
  const hits = (ratio: number) => `hits in memory ${percent(same)} -> ${percent(ratio)}`
  if (double - same >= worthwhile) return `twice the entries: ${hits(double)}`
  if (quadruple - same >= worthwhile) return `four times the entries: ${hits(quadruple)}`
  if (ttl.double - same >= worthwhile) return `twice the time to live: ${hits(ttl.double)}`
  if (ttl.quadruple - same >= worthwhile) return `four times the time to live: ${hits(ttl.quadruple)}`
  if (same - half < worthwhile / 6) return `half the entries would do: ${hits(half)}`
  return undefined
}
