/** A stream without a runtime around, and a topic that a test sends to. */
import type { EventTopic, SendEvent } from '../../../../plugins/admin/api.ts'
import { openStream, StreamCounts } from '../../../../plugins/admin/streams/event-stream.ts'
import { Topics } from '../../../../plugins/admin/streams/topics.ts'
import { testClock } from '../../../../testing/index.ts'

export function tide(name: string, more: Partial<EventTopic> = {}) {
  const readers: { send: SendEvent; filter: unknown; signal: AbortSignal }[] = []
  const topic: EventTopic = {
    name,
    access: 'viewer',
    open: (send, filter, signal) => void readers.push({ send, filter, signal }),
    ...more,
  }
  return { topic, readers }
}

export function bare(...values: EventTopic[]) {
  const faults: string[] = []
  const held: (string | undefined)[] = []
  const contributed = values.map((value) => ({
    plugin: 'sea',
    value,
    fault: (error: unknown) =>
      void faults.push(`${value.name}: ${(error as { code?: string }).code ?? ''} ${(error as Error).message}`),
    hold: (reason: string | undefined) => void held.push(reason),
  }))
  const log = { error: () => {} } as never
  const topics = new Topics([tide('logs').topic], { all: contributed, onChange: () => () => {} }, log)
  const counts = new StreamCounts()
  const signal = new AbortController().signal
  const options = { clock: testClock(), counts, topics, listener: () => '', maxStreams: () => 1, signal }
  const reader = { principal: { name: 'a', keyId: 'k', role: 'viewer', scopes: [] }, isStillIn: () => true } as const
  const open = (names: string) => openStream(options, topics.select(names), {}, reader)
  return { open, counts, faults, held, topics }
}
