/**
 * The watchdog's thread: reads the heartbeat, answers liveness on a separate listener and logs a stall itself.
 * The thread uses raw time, since no clock of the main thread reaches a thread that runs while the main one is stuck.
 */
import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { messageOf, readHeartbeat } from '../../../core/worker.ts'
import type { WatchdogData, WatchdogMessage } from './messages.ts'
import { initialWatch, type Look, look, lookAfterMs, type WatchEvent, watchMetrics } from './watch.ts'

const retryListenMs = 2_000

const data = workerData as WatchdogData
const limits = { stuckAfterMs: data.stuckAfterMs, reportAfterMs: data.reportAfterMs }
const post = (message: WatchdogMessage) => parentPort?.postMessage(message)

const sight = () => {
  const { lastBeatMs, pauseUntilMs } = readHeartbeat(data.heartbeat)
  return { beatMs: lastBeatMs, pauseUntilMs, nowMs: Date.now(), monotonicMs: performance.now() }
}

let state = initialWatch(sight())

const lines: Readonly<Record<WatchEvent['type'], string>> = {
  stuck: 'event loop is stuck',
  'liveness failed': 'event loop is stuck: liveness fails from now on',
  recovered: 'event loop runs again',
}

/** Writes to stderr itself: the main thread, through which a worker's stderr may pass, is stuck. */
function log({ type, stuckMs }: WatchEvent): void {
  const level = type === 'recovered' ? 'warn' : 'error'
  const line = {
    timestamp: new Date().toISOString(),
    level,
    logger: 'health.watchdog',
    message: lines[type],
    stuckMs: Math.round(stuckMs),
  }
  try {
    writeSync(2, `${JSON.stringify(line)}\n`)
  } catch {
    // Nobody reads stderr (EAGAIN, EPIPE): the metric and the probe still report the stall.
  }
}

function lookNow(): Look {
  const seen = look(state, sight(), limits)
  state = seen.state
  for (const event of seen.events) {
    log(event)
    if (event.type === 'recovered') post({ type: 'recovered', stuckMs: event.stuckMs })
  }
  return seen
}

function answer(request: Request): Response {
  const { pathname, searchParams } = new URL(request.url)
  const headers = { 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8' }
  if (pathname === '/metrics') {
    return new Response(watchMetrics(lookNow(), limits), {
      headers: { ...headers, 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
    })
  }
  if (pathname !== '/livez') return new Response('not found\n', { status: 404, headers })
  const { isAlive, isPaused, ageMs } = lookNow()
  if (isAlive && !searchParams.has('verbose')) return new Response('ok', { headers })
  const text = isAlive
    ? `[+]eventLoop ok${isPaused ? ' (announced stall)' : ''}\nlivez check passed\n`
    : `[-]eventLoop failed: stuck for ${(ageMs / 1_000).toFixed(1)} s\nlivez check failed\n`
  return new Response(text, { status: isAlive ? 200 : 503, headers })
}

let reported = ''
function listen(): void {
  try {
    const server = Bun.serve({ hostname: data.host, port: data.port, fetch: answer })
    post({ type: 'listening', url: `http://${server.hostname}:${server.port}` })
  } catch (thrown) {
    const reason = messageOf(thrown)
    if (reason !== reported) post({ type: 'listen failed', reason })
    reported = reason
    setTimeout(listen, retryListenMs)
  }
}

function keepLooking(): void {
  setTimeout(keepLooking, lookAfterMs(lookNow(), limits))
}

keepLooking()
listen()
