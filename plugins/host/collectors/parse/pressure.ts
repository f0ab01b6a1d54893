/** PURE. Pressure stall information, `/proc/pressure/*`. @see https://docs.kernel.org/accounting/psi.html */

const secondsOf = (text: string, kind: 'some' | 'full'): number | undefined => {
  const match = new RegExp(`^${kind} .*\\btotal=(\\d+)$`, 'm').exec(text)
  return match ? Number(match[1]) / 1e6 : undefined
}

/** @returns seconds since boot in which one task, and in which every task that was not idle, waited for the resource */
export const parsePressure = (text: string) => ({
  waitingSeconds: secondsOf(text, 'some'),
  stalledSeconds: secondsOf(text, 'full'),
})
