/** A name that resolves, to the expected values where any are named. */
import { Resolver } from 'node:dns/promises'
import type { CheckResult } from '../api.ts'
import type { Kind } from './kind.ts'

/** @returns one line for each record, `10 mail.example` for MX, `0 5 5432 db.example` for SRV */
export const recordLines = (records: readonly unknown[]): readonly string[] =>
  records.map((record) => {
    if (Array.isArray(record)) return record.join('')
    if (typeof record !== 'object' || record === null) return String(record)
    const { priority, weight, port, exchange, name } = record as Record<string, string | number | undefined>
    return [priority, weight, port, exchange ?? name].filter((part) => part !== undefined).join(' ')
  })

/** @returns up if there is an answer and every expected value is in it */
export function evaluateDns(answers: readonly string[], expected: readonly string[]): CheckResult {
  const details = { answers: answers.length }
  if (answers.length === 0) return { status: 'down', message: 'no record', details }
  const missing = expected.filter((value) => !answers.includes(value))
  if (missing.length === 0) return { status: 'up', details }
  const seen = answers.slice(0, 5).join(', ')
  return { status: 'down', message: `answers lack ${missing.slice(0, 5).join(', ')}; seen ${seen}`, details }
}

export const dns: Kind<'dns'> = ({ host, type, server, expect, timeout }) => ({
  async run(signal) {
    const resolver = new Resolver({ timeout, tries: 1 })
    if (server !== undefined) resolver.setServers([server])
    const cancel = () => resolver.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      return evaluateDns(recordLines((await resolver.resolve(host, type)) as readonly unknown[]), expect)
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  },
})
