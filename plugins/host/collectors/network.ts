/** Network interfaces from `/proc/net/dev`. */
import type { NetworkFlow } from './parse/net-dev.ts'
import { atMost, nameFilter } from './patterns.ts'
import { type HostContext, overLimit, type Source } from './source.ts'

const units: readonly (readonly [keyof NetworkFlow, string])[] = [
  ['bytes', 'Bytes'],
  ['packets', 'Packets'],
  ['errs', 'Errors'],
  ['drop', 'Packets dropped'],
]

export const network =
  ({ readings, config }: HostContext): Source =>
  (batch) => {
    const families = (['receive', 'transmit'] as const).flatMap((direction) =>
      units.map(([unit, what]) => ({
        direction,
        unit,
        family: batch.counter({
          name: `node_network_${direction}_${unit}_total`,
          help: `${what} of a network interface, ${direction}.`,
          labels: ['device'],
          maxSeries: config.maxDevices,
        }),
      })),
    )
    const over = overLimit(batch)
    const wanted = nameFilter(config.interfaces)
    return async () => {
      const all = (await readings.network()) ?? []
      const interfaces = all.filter(({ device }) => wanted(device))
      const { kept, left } = atMost(interfaces, config.maxDevices)
      batch.observe(() => {
        for (const stat of kept) {
          for (const { direction, unit, family } of families) family.set(stat[direction][unit], { device: stat.device })
        }
        over.set(left, { set: 'network' })
      })
    }
  }
