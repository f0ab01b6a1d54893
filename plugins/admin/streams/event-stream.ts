/** Server-sent events to one reader: slow readers, revoked keys, the number of streams. */
import { type Clock, guardListeners, type RuntimeStatus, yieldToLoop } from '../../../core/plugin.ts'
import type { AdminVariables, EventFilter } from '../api.ts'
import type { AdminConfig } from '../config.ts'
import { adminError } from '../errors.ts'
import { callerOf, Shares } from '../guard/shares.ts'
import { iso } from '../http/reply.ts'
import { eventText } from './event-text.ts'
import type { ContributedTopic, Topics } from './topics.ts'

/** Below Bun's idle timeout, which would cut the connection off. */
const heartbeatMs = 15_000
/** How soon a stream ends after its key was revoked or its session ended. */
const lookMs = 1_000
/** Bytes that wait for a reader before the reader is cut off: four of the largest events. */
export const maxWaitingBytes = 1024 * 1024

export class StreamCounts {
  readonly open = new Shares()
  dropped = 0
}

export interface StreamOptions {
  readonly clock: Clock
  readonly counts: StreamCounts
  readonly topics: Topics
  maxStreams(): number
  /**
   * The listener that takes new streams; undefined when the runtime stops. A stream that outlives its listener would
   * hold up the drain until the time limit.
   */
  listener(): string | undefined
  /** Aborted when the plugin stops. */
  readonly signal: AbortSignal
}

/** @returns the URL of the public listener; the API's own listener moves with the instance of the plugin */
export function listenerOf(
  { stopping, listeners }: Pick<RuntimeStatus, 'stopping' | 'listeners'>,
  { listen }: Pick<AdminConfig, 'listen'>,
): string | undefined {
  if (stopping) return undefined
  return listen === undefined ? (listeners.find(({ name }) => name === 'server')?.url ?? '') : ''
}

/**
 * Opens the topics for one reader. Ends when the reader goes, falls too far behind, may no longer be there, the plugin
 * or the runtime stops, its listener moves, or no topic is left. A topic that throws or whose plugin goes away ends
 * alone, with the event `ended`.
 * @returns the events as bytes @throws ADMIN_STREAM_LIMIT
 */
export function openStream(
  { clock, counts, topics, maxStreams, listener, signal }: StreamOptions,
  wanted: readonly ContributedTopic[],
  filter: EventFilter,
  { principal, isStillIn }: Pick<AdminVariables, 'principal' | 'isStillIn'>,
): ReadableStream<Uint8Array> {
  const free = counts.open.take(callerOf(principal), maxStreams(), (limit, caller) =>
    adminError('ADMIN_STREAM_LIMIT', { limit, caller }),
  )
  const encoder = new TextEncoder()
  const openedAt = listener()
  const running = new Map<ContributedTopic, AbortController>()
  const undo: (() => void)[] = []
  let closed = false
  const isOver = (now = listener()) => now === undefined || now !== openedAt
  const close = () => {
    if (closed) return
    closed = true
    free()
    for (const each of undo) each()
    for (const topic of running.values()) topic.abort()
    running.clear()
  }
  const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const end = () => {
      if (closed) return
      close()
      controller.close()
    }
    const write = (text: string) => {
      if (closed) return
      const bytes = encoder.encode(text)
      if ((controller.desiredSize ?? 0) >= bytes.length) return controller.enqueue(bytes)
      counts.dropped += 1
      close()
      // Bun prints the error of a stream that fails before the answer has begun.
      void yieldToLoop().then(() => controller.error(new Error('the reader is too slow')))
    }
    const endTopic = (topic: ContributedTopic) => {
      const own = running.get(topic)
      if (own === undefined) return
      running.delete(topic)
      own.abort()
      write(eventText('ended', { topic: topic.value.name }))
      if (running.size === 0) end()
    }
    const fail = (topic: ContributedTopic, error: unknown) => {
      if (!running.has(topic)) return
      topics.fault(topic, error)
      endTopic(topic)
    }
    const send =
      (topic: ContributedTopic) =>
      (data: unknown, event = topic.value.name, id?: number) => {
        if (!running.has(topic)) return
        try {
          topics.checkEvent(topic, event)
          write(eventText(event, data, id))
        } catch (error) {
          fail(topic, error)
        }
      }
    signal.addEventListener('abort', end)
    undo.push(
      () => signal.removeEventListener('abort', end),
      clock.every(heartbeatMs, () => write(': heartbeat\n\n')),
      clock.every(lookMs, () => (isOver() || !isStillIn() ? end() : undefined)),
    )
    write(
      `retry: 3000\n${eventText('hello', { topics: wanted.map(({ value }) => value.name), time: iso(clock.now()) })}`,
    )
    for (const topic of wanted) running.set(topic, new AbortController())
    for (const [topic, own] of [...running]) {
      if (own.signal.aborted) continue
      const signal = guardListeners(own.signal, (error) => topics.fault(topic, error))
      const opened = async () => topic.value.open(send(topic), filter, signal)
      opened().catch((error) => fail(topic, error))
    }
    if (wanted.some((topic) => topic.plugin !== 'admin'))
      undo.push(
        topics.onChange(() => {
          for (const topic of [...running.keys()]) if (topic.plugin !== 'admin' && !topics.has(topic)) endTopic(topic)
        }),
      )
  }
  const size = (chunk: Uint8Array | undefined) => chunk?.byteLength ?? 0
  return new ReadableStream<Uint8Array>({ start, cancel: close }, { highWaterMark: maxWaitingBytes, size })
}
