/**
 * Load for the gateway: bounded in count and time, and suspicious of every answer.
 *
 *   bun examples/gateway/load.ts http://localhost:3000 --requests 2000 --concurrency 16 --seconds 30
 *
 * Exit code 1 if an answer was wrong or a request failed without one.
 */
import { parseArgs } from 'node:util'
import { type Answer, LoadModel } from './load-model.ts'
import { newSecret } from './wallet.ts'

export interface LoadOptions {
  readonly url: string
  /** At most so many requests. @default 2_000 */
  readonly requests?: number
  /** At most so long. @default 30 */
  readonly seconds?: number
  /** Requests at one time. @default 16 */
  readonly concurrency?: number
  /** Repeats the choice of operations. @default 1 */
  readonly seed?: number
  /** @default gbtc */
  readonly asset?: string
  /** Begins no further request when it is aborted. */
  readonly signal?: AbortSignal
}

export interface LoadReport {
  readonly requests: number
  readonly perSecond: number
  /** Milliseconds, by operation. */
  readonly latency: Readonly<Record<string, { count: number; p50: number; p99: number; max: number }>>
  readonly statuses: Readonly<Record<string, number>>
  /** Requests that got no answer, with the reasons. */
  readonly failed: readonly string[]
  /** Answers that contradict what was written, or have the wrong form. */
  readonly wrong: readonly string[]
  /** What it knows of, for {@link verify}. */
  readonly model: LoadModel
}

/** 0-1. @see https://en.wikipedia.org/wiki/Xorshift */
const xorshift = (seed: number) => () => {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return (seed >>> 0) / 2 ** 32
}

export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { url, requests = 2_000, seconds = 30, concurrency = 16, seed = 1, asset = 'gbtc', signal } = options
  const [taken, statuses, failed] = [new Map<string, number[]>(), new Map<number, number>(), [] as string[]]
  const random = xorshift(seed || 1)
  let sent = 0
  const ask = async (operation: string, path: string, body?: unknown): Promise<Answer | undefined> => {
    const startedMs = performance.now()
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    try {
      const response = await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(30_000) })
      const answer = { status: response.status, headers: response.headers, body: await response.json() }
      const times = taken.get(operation) ?? []
      taken.set(operation, times)
      times.push(performance.now() - startedMs)
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      check(operation, answer)
      return answer
    } catch (thrown) {
      failed.push(`${operation}: ${(thrown as { code?: string }).code ?? thrown}`)
      return undefined
    }
  }
  const model = new LoadModel(ask, random, Array.from({ length: 4 }, newSecret), asset)
  const check = (operation: string, { status, headers }: Answer) => {
    const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true
    const isExpected = status < 300 ? !isProblem : (status === 503 || status === 409) && isProblem
    if (!isExpected || (status === 503 && !headers.has('retry-after')))
      model.wrong.push(`${operation} was answered ${status} ${headers.get('content-type')}`)
  }
  const step = async () => {
    const [choice, known] = [random(), model.pick()]
    if (known === undefined || choice < 0.15) return model.create()
    if (choice < 0.25) return model.confirm(known)
    if (choice < 0.8) return model.read(known)
    if (choice < 0.9) return model.readTransaction(known)
    await ask('inventory', choice < 0.95 ? `/vtxos/inventory/${asset}` : '/jobs')
  }
  const startedMs = performance.now()
  const worker = async () => {
    while (sent < requests && performance.now() - startedMs < seconds * 1_000 && !signal?.aborted) {
      sent += 1
      await step()
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  const tookSeconds = (performance.now() - startedMs) / 1_000
  const answered = [...statuses.values()].reduce((sum, count) => sum + count, 0)
  return {
    requests: answered + failed.length,
    perSecond: answered / tookSeconds,
    latency: Object.fromEntries([...taken].map(([operation, times]) => [operation, summary(times)])),
    statuses: Object.fromEntries(statuses),
    ...{ failed, wrong: model.wrong, model },
  }
}

/** Reads every session that was written once more. @returns what is wrong */
export async function verify({ model }: LoadReport): Promise<readonly string[]> {
  for (const known of model.known) {
    await model.read(known)
    await model.readTransaction(known)
  }
  return model.wrong
}

function summary(times: number[]) {
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!
  return { count: times.length, p50: at(0.5), p99: at(0.99), max: times.at(-1)! }
}

if (import.meta.main) {
  const number = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { requests: number, concurrency: number, seconds: number, seed: number },
  })
  const settings = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)]))
  const report = await runLoad({ url: (positionals[0] ?? 'http://localhost:3000').replace(/\/$/, ''), ...settings })
  const { requests, perSecond, statuses, failed, wrong } = report
  console.table(
    Object.entries(report.latency).map(([operation, { count, p50, p99, max }]) => {
      return { operation, count, 'p50 ms': p50.toFixed(2), 'p99 ms': p99.toFixed(2), 'max ms': max.toFixed(2) }
    }),
  )
  console.log(`${requests} requests, ${perSecond.toFixed(0)} a second, by status:`, statuses)
  for (const each of [...failed, ...(await verify(report))].slice(0, 20)) console.log(each)
  process.exit(failed.length + wrong.length > 0 ? 1 : 0)
}
