/** What other requests wait while a scrape of many series is written: over real sockets, with and without in turns. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Connection, measure } from '../health/client.ts'

const connections = 16
const requests = 4_000
const perSecond = 800

export interface ScrapeLatency {
  readonly scrapes: number
  /** Medians over the rounds. */
  readonly withoutMs: number
  readonly duringMs: number
  /** Median of the ratios of neighbours. */
  readonly ratio: number
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

/** Scrapes without a pause until it is ended. @returns ends it, and says how many scrapes there were */
function scrapeOnAndOn(url: string): () => Promise<number> {
  const script = `while :; do curl -s -o /dev/null -H 'Accept: application/openmetrics-text; version=1.0.0' ${url} && echo; done`
  const child = Bun.spawn(['sh', '-c', script], { stdout: 'pipe' })
  return async () => {
    child.kill()
    return (await new Response(child.stdout).text()).length
  }
}

/** @returns p99.9 of a small request without and during scrapes */
export async function scrapeLatency(series: number, rounds: number): Promise<ScrapeLatency> {
  const folder = mkdtempSync(join(tmpdir(), 'arkwatch-bench-'))
  const server = Bun.spawn([process.execPath, join(import.meta.dir, 'server.ts'), String(series), folder], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  const { value } = await server.stdout.getReader().read()
  const url = new URL(new TextDecoder().decode(value).trim())
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(url)))
  const round = async () => (await measure(open, '/hello', requests, perSecond)).p999Ms
  let scrapes = 0
  const pairs: { withoutMs: number; duringMs: number }[] = []
  await round()
  for (let index = 0; index < rounds; index += 1) {
    const withoutMs = await round()
    const end = scrapeOnAndOn(`${url.origin}/metrics`)
    const duringMs = await round()
    scrapes += await end()
    pairs.push({ withoutMs, duringMs })
  }
  for (const connection of open) connection.close()
  server.stdin.end()
  await server.exited
  rmSync(folder, { recursive: true, force: true })
  return {
    scrapes,
    withoutMs: median(pairs.map(({ withoutMs }) => withoutMs)),
    duringMs: median(pairs.map(({ duringMs }) => duringMs)),
    ratio: median(pairs.map(({ withoutMs, duringMs }) => duringMs / withoutMs)),
  }
}
