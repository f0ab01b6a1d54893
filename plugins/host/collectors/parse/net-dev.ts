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

const flow = ([bytes, packets, errs, drop]: readonly number[]) => ({ bytes, packets, errs, drop }) as NetworkFlow

/** @returns one entry for each interface; the name may touch the first number (`eth0:12`) or hold a colon (`eth0:1`) */
export function parseNetDev(text: string): readonly NetworkStat[] {
  const lines = text.matchAll(/^\s*(\S+):\s*(\d+(?:\s+\d+){15})\s*$/gm)
  return [...lines].map(([, device, columns]) => {
    const numbers = columns!.split(/\s+/).map(Number)
    return { device: device!, receive: flow(numbers), transmit: flow(numbers.slice(8)) }
  })
}
