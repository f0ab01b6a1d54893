#!/usr/bin/env bun
/**
 * What the collectors of host and process cost: CPU of the process per collection, the longest time the event loop stood
 * still, and the share of one core at the default period. `bun scripts/bench/collectors.ts [--json]`
 */

import { systemClock } from '../../core/process/clock.ts'
import { HostConfig, hostCollectors, processCollectors } from '../../plugins/host/collectors/index.ts'
import type { Collector } from '../../plugins/metrics/api.ts'
import { MetricStore } from '../../plugins/metrics/storage/store.ts'
import { longestTurn } from '../../test/support/longest-turn.ts'

const rounds = 200
const passes = 5

const metrics = new MetricStore(systemClock)
const config = HostConfig.parse({})
const delay = { minMs: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 }
const collectors: Collector[] = [
  ...hostCollectors({ config, clock: systemClock }),
  ...processCollectors({ delay: () => delay }, config.every),
]

interface Row {
  readonly collector: string
  readonly cpuMs: number
  readonly wallMs: number
  /** The collector's longest piece of synchronous work. */
  readonly longestMs: number
}

async function measure(name: string, collect: () => void | Promise<void>): Promise<Row> {
  await collect()
  let cpuMs = Number.POSITIVE_INFINITY
  let wallMs = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < passes; pass += 1) {
    const cpu = process.cpuUsage()
    const startMs = systemClock.monotonic()
    for (let round = 0; round < rounds; round += 1) await collect()
    const used = process.cpuUsage(cpu)
    cpuMs = Math.min(cpuMs, (used.user + used.system) / 1000 / rounds)
    wallMs = Math.min(wallMs, (systemClock.monotonic() - startMs) / rounds)
  }
  const turns: number[] = []
  for (let round = 0; round < 20; round += 1) turns.push(await longestTurn(collect))
  turns.sort((a, b) => a - b)
  return { collector: name, cpuMs, wallMs, longestMs: turns[10]! }
}

const rows: Row[] = []
const runs = collectors.map((collector) => ({ name: collector.name, collect: collector.setup(metrics) }))
for (const { name, collect } of runs) rows.push(await measure(name, collect))
const all = await measure('all at once', async () => void (await Promise.all(runs.map(({ collect }) => collect()))))
const corePercent = (all.cpuMs / config.every) * 100

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ rows: [...rows, all], corePercent }))
} else {
  console.log(`least of ${passes} passes of ${rounds} collections; longest turn: median of 20`)
  console.log('collector'.padEnd(28), 'CPU ms'.padStart(9), 'wall ms'.padStart(9), 'longest turn ms'.padStart(16))
  for (const row of [...rows, all]) {
    const cells = [row.cpuMs.toFixed(3).padStart(9), row.wallMs.toFixed(3).padStart(9)]
    console.log(row.collector.padEnd(28), ...cells, row.longestMs.toFixed(3).padStart(16))
  }
  console.log(`at ${config.every / 1000} s that is ${corePercent.toFixed(4)} % of one core`)
}
