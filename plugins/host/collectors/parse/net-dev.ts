/** PURE. `/proc/net/dev`. */

export interface NetworkFlow {
  readonly bytes: number
  readonly packets: number
  readonly errs: number
  readonly drop: number
}
/** Since the interface came up. */
export interface NetworkStat {
  readonly device: string
  readonly receive: NetworkFlow
  readonly transmit: NetworkFlow
}

const flow = (numbers: readonly number[], from: number): NetworkFlow => ({
  bytes: numbers[from]!,
  packets: numbers[from + 1]!,
  errs: numbers[from + 2]!,
  drop: numbers[from + 3]!,
})

/** @returns one entry for each interface; the name may touch the first number (`eth0:12`) or hold a colon (`eth0:1`) */
export function parseNetDev(text: string): readonly NetworkStat[] {
  const devices: NetworkStat[] = []
  for (const match of text.matchAll(/^\s*(\S+):\s*(\d+(?:\s+\d+){15})\s*$/gm)) {
    const numbers = match[2]!.split(/\s+/).map(Number)
    devices.push({ device: match[1]!, receive: flow(numbers, 0), transmit: flow(numbers, 8) })
  }
  return devices
}
