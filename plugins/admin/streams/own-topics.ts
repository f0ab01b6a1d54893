/** The topics of the admin plugin itself: metrics, plugin states, health changes, log lines, and audit records. */
import { type Clock, type Runtime, yieldToLoop } from '../../../core/plugin.ts'
import type { Audit } from '../../audit/api.ts'
import type { Health } from '../../health/api.ts'
import type { Logging } from '../../logging/api.ts'
import type { EventTopic } from '../api.ts'
import { iso } from '../http/reply.ts'
import { parseLine } from '../routes/logs.ts'
import { shownStatus } from '../routes/plugins.ts'
import { type Samples, shownSample } from '../samples.ts'

const metricsMs = 5_000
const statusMs = 1_000
/** Log lines in one turn of the event loop: the reader takes lines between turns. */
const turnLines = 16

export interface OwnTopicOptions {
  readonly clock: Clock
  readonly runtime: Runtime
  readonly samples: Samples
  readonly health: Health | undefined
  readonly logging: Logging | undefined
}

const onAbort = (signal: AbortSignal, stop: (() => void) | undefined) => {
  if (stop === undefined) return
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
}

export function ownTopics({ clock, runtime, samples, health, logging }: OwnTopicOptions): readonly EventTopic[] {
  const topic = (name: string, open: EventTopic['open']): EventTopic => ({ name, access: 'viewer', open })
  const metrics = topic('metrics', (send, _filter, signal) => {
    const measure = async () => {
      const sample = await samples.measure()
      if (sample === undefined) return
      const { timestamp, ...values } = shownSample(sample)
      send({ timestamp, ...values })
    }
    onAbort(signal, clock.every(metricsMs, measure))
  })
  const status = topic('status', (send, _filter, signal) => {
    let last = ''
    const look = () => {
      const states = runtime.status().plugins.map(({ name, state, reason }) => ({ name, state, reason }))
      const now = JSON.stringify(states)
      if (now !== last) send({ ...shownStatus(runtime), states })
      last = now
    }
    onAbort(signal, clock.every(statusMs, look))
  })
  const changes = topic('health', (send, _filter, signal) => {
    const stop = health?.onChange(({ name, status, message, changedAtMs }, before) =>
      send({ name, before, status, message, time: iso(changedAtMs) }),
    )
    onAbort(signal, stop)
  })
  const logs = topic('logs', (send, filter, signal) => {
    const tail = logging?.tail(async (entries, dropped) => {
      for (const [at, entry] of entries.entries()) {
        if (at % turnLines === turnLines - 1) await yieldToLoop()
        send(parseLine(entry.line), 'log', entry.sequence)
      }
      if (dropped > 0) send({ lines: dropped }, 'dropped')
    }, filter)
    onAbort(signal, tail && (() => tail.stop()))
  })
  return [metrics, changes, status, logs]
}

/** Records are for auditors, on a path of their own. */
export const recordTopic = (audit: Pick<Audit, 'follow'>): EventTopic => ({
  name: 'audit',
  access: 'auditor',
  open(send, _filter, signal) {
    const stop = audit.follow((record) => send(record, 'record', record.seq))
    onAbort(signal, stop)
  },
})
