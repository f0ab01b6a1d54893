/**
 * PURE. Pressure stall information: `/proc/pressure/*` and the `*.pressure` files of a cgroup.
 *
 * @see https://docs.kernel.org/accounting/psi.html
 */

/** Seconds since boot. */
export interface Pressure {
  /** In which at least one task waited for the resource. */
  readonly waitingSeconds?: number
  /** In which every task that was not idle waited. */
  readonly stalledSeconds?: number
}

const microseconds = (text: string, kind: 'some' | 'full'): number | undefined => {
  const match = new RegExp(`^${kind} .*\\btotal=(\\d+)$`, 'm').exec(text)
  return match ? Number(match[1]) / 1e6 : undefined
}

export const parsePressure = (text: string): Pressure => ({
  waitingSeconds: microseconds(text, 'some'),
  stalledSeconds: microseconds(text, 'full'),
})
