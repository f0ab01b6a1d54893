#!/usr/bin/env bun
/**
 * What counting and exposing cost, beside @prometheus-io/client in turns; each call in a process of its own.
 *
 *     bun scripts/bench/metrics.ts [--rounds 15] [--check]
 *
 * Calls: nanoseconds each beyond those of an empty call, minimum of the rounds. Exposition: CPU of the main thread and
 * the longest turn of the event loop, each the minimum of the rounds: what is above it is the machine's. Not like for like: the client checks names and hashes labels at each call, ours when a
 * series is made. --check exits with 1 where a goal is missed.
 */
import { parseArgs } from 'node:util'
import { Counter, Histogram, Registry } from '@prometheus-io/client'
import { systemClock } from '../../core/process/clock.ts'
import { Scraper } from '../../plugins/metrics/exposition/scrape.ts'
import { createRequestMetrics, durationBuckets } from '../../plugins/metrics/http/request-metrics.ts'
import { MetricStore } from '../../plugins/metrics/storage/store.ts'
import { longestTurn } from '../../test/support/longest-turn.ts'
import { readerCosts } from './metrics/reader.ts'
import { scrapeLatency } from './metrics/scrape-latency.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    check: { type: 'boolean', default: false },
    call: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const callsARound = 200_000
const labels = ['method', 'route', 'status'] as const
const methods = ['GET', 'POST']
const routes = Array.from({ length: 50 }, (_, index) => `/route/${index}`)
const statuses = ['200', '201', '404', '500']
const pick = (index: number) => ({
  method: methods[index & 1]!,
  route: routes[index % 50]!,
  status: statuses[index & 3]!,
})
const smallest = (numbers: readonly number[]) => Math.min(...numbers)
const missed: string[] = []

function goal(what: string, value: number, limit: number): string {
  if (value > limit) missed.push(`${what}: ${value.toFixed(1)} > ${limit}`)
  return `≤ ${limit}`
}

interface Call {
  readonly name: string
  readonly goalNs?: number
  readonly ours: (index: number) => void
  readonly client?: (index: number) => void
}

function calls(): Call[] {
  const store = new MetricStore(systemClock)
  const registers = [new Registry()]
  const counter = store.counter({ name: 'a_total', help: 'h', labels })
  const theirCounter = new Counter({ name: 'a_total', help: 'h', labelNames: labels, registers })
  const histogram = store.histogram({ name: 'b_seconds', help: 'h', labels, buckets: durationBuckets })
  const theirHistogram = new Histogram({
    name: 'b_seconds',
    help: 'h',
    labelNames: labels,
    buckets: [...durationBuckets],
    registers,
  })
  const summary = store.summary({ name: 'c_seconds', help: 'h' }).labels({})
  const one = pick(0)
  const [counted, theirCounted] = [counter.labels(one), theirCounter.labels(one)]
  const [observed, theirObserved] = [histogram.labels(one), theirHistogram.labels(one)]
  const { observe } = createRequestMetrics(store, 1_000)
  const route = { id: 0, method: 'GET', pattern: '/' }
  return [
    { name: 'counter, handle', goalNs: 5, ours: () => counted.inc(), client: () => theirCounted.inc() },
    {
      name: 'counter, 3 labels',
      goalNs: 60,
      ours: (index) => counter.inc(pick(index)),
      client: (index) => theirCounter.inc(pick(index)),
    },
    { name: 'histogram, handle', ours: () => observed.observe(0.003), client: () => theirObserved.observe(0.003) },
    {
      name: 'histogram, 3 labels',
      ours: (index) => histogram.observe(pick(index), 0.003),
      client: (index) => theirHistogram.observe(pick(index), 0.003),
    },
    { name: 'summary, handle', ours: (index) => summary.observe(index) },
    { name: 'request observed', goalNs: 5, ours: (index) => observe(route, 200, index & 7, 0) },
  ]
}

function nanoseconds(call: (index: number) => void): number {
  const startedMs = systemClock.monotonic()
  for (let index = 0; index < callsARound; index += 1) call(index)
  return ((systemClock.monotonic() - startedMs) * 1e6) / callsARound
}

/** Measures a call, without what an empty one takes. */
function inTurns({ ours, client }: Call): { oursNs: number; clientNs: number | undefined } {
  const empty: number[] = []
  const mine: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    empty.push(nanoseconds(() => {}))
    mine.push(nanoseconds(ours))
    if (client !== undefined) theirs.push(nanoseconds(client))
  }
  const beyond = (times: readonly number[]) => Math.max(0, smallest(times) - smallest(empty))
  return { oursNs: beyond(mine), clientNs: client && beyond(theirs) }
}

const all = calls()
if (values.call !== undefined) {
  console.log(JSON.stringify(inTurns(all[Number(values.call)]!)))
  process.exit(0)
}
const callRows = all.map(({ name, goalNs }, index) => {
  const command = [process.execPath, import.meta.path, '--rounds', values.rounds, '--call', String(index)]
  const { oursNs, clientNs } = JSON.parse(Bun.spawnSync(command).stdout.toString()) as ReturnType<typeof inTurns>
  return {
    call: name,
    'ours ns': oursNs.toFixed(1),
    goal: goalNs === undefined ? '' : goal(name, oursNs, goalNs),
    'client ns': clientNs?.toFixed(0) ?? '',
    'client / ours': clientNs === undefined ? '' : (clientNs / Math.max(1, oursNs)).toFixed(0),
  }
})
console.table(callRows)

/** CPU milliseconds of this thread, and the longest turn. */
async function measured(work: () => Promise<unknown>, times = 1): Promise<{ cpuMs: number; turnMs: number }> {
  const before = process.threadCpuUsage()
  const turnMs = await longestTurn(async () => {
    for (let time = 0; time < times; time += 1) await work()
  })
  const { user, system } = process.threadCpuUsage(before)
  return { cpuMs: (user + system) / 1_000 / times, turnMs }
}

async function exposition(series: number) {
  const store = new MetricStore(systemClock)
  const registry = new Registry()
  const maxSeries = series
  const counter = store.counter({ name: 'a_total', help: 'h', labels, maxSeries })
  const theirs = new Counter({ name: 'a_total', help: 'h', labelNames: labels, registers: [registry] })
  const nth = (index: number) => ({ method: 'GET', route: `/route/${index}`, status: statuses[index & 3]! })
  for (let index = 0; index < series; index += 1) {
    counter.inc(nth(index), index)
    theirs.inc(nth(index), index)
  }
  const source = { families: () => store.families(), foreign: [], common: {}, created: true }
  const scraper = new Scraper({ clock: systemClock, source: async () => source })
  const first = await measured(() => scraper.expose('prometheus'))
  // few series take less than the clock of the CPU can tell
  const times = 100_000 / series
  const mine: { cpuMs: number; turnMs: number }[] = []
  const client: typeof mine = []
  for (let round = 0; round < Math.max(3, rounds / 2); round += 1) {
    for (let index = round; index < series; index += 10) counter.inc(nth(index))
    const [one, other] = [() => scraper.expose('prometheus'), () => registry.metrics()]
    mine.push({ ...(await measured(one, times)), turnMs: (await measured(one)).turnMs })
    client.push({ ...(await measured(other, times)), turnMs: (await measured(other)).turnMs })
  }
  const cpuMs = smallest(mine.map((one) => one.cpuMs))
  const turnMs = smallest(mine.map((one) => one.turnMs))
  const theirCpuMs = smallest(client.map((one) => one.cpuMs))
  return {
    series,
    'ours CPU ms': cpuMs.toFixed(2),
    goal: series === 100_000 ? goal('exposition', cpuMs, 80) : '',
    'ours longest turn ms': turnMs.toFixed(1),
    'turn goal': goal(`longest turn with ${series} series`, turnMs, 5),
    'first scrape CPU / turn ms': `${first.cpuMs.toFixed(1)} / ${first.turnMs.toFixed(1)}`,
    'client CPU ms': theirCpuMs.toFixed(1),
    'client longest turn ms': smallest(client.map((one) => one.turnMs)).toFixed(1),
    'client / ours': (theirCpuMs / cpuMs).toFixed(1),
  }
}

const expositionRows = []
for (const series of [1_000, 10_000, 100_000]) expositionRows.push(await exposition(series))
console.table(expositionRows)

const readerRows = []
for (const samples of [1_000, 10_000, 100_000]) {
  const { copyMs, changedMs, turnMs, firstTurnMs } = await readerCosts(samples, rounds)
  readerRows.push({
    'samples of a reader': samples,
    'copy ms': copyMs.toFixed(3),
    goal: goal(`copy of ${samples} samples, ms`, copyMs, 1),
    'copy after a new series ms': changedMs.toFixed(3),
    'longest turn of a collection ms': turnMs.toFixed(2),
    'of the first one': firstTurnMs.toFixed(2),
  })
}
console.table(readerRows)

const { scrapes, withoutMs, duringMs, ratio } = await scrapeLatency(100_000, 5)
console.table([
  {
    'p99.9 of a request': 'while 100k series are scraped without a pause',
    'without ms': withoutMs.toFixed(2),
    'during ms': duringMs.toFixed(2),
    ratio: ratio.toFixed(2),
    goal: goal('p99.9 during a scrape / without', ratio, 2),
    scrapes,
  },
])
for (const one of missed) console.log(`missed ${one}`)
if (values.check && missed.length > 0) process.exit(1)
