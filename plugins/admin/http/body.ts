/** Reads JSON bodies that may be hostile. */
import type { HonoRequest } from 'hono'
import { type Clock, jsonExcess } from '../../../core/plugin.ts'
import type { Principal } from '../api.ts'
import { adminError } from '../errors.ts'
import { callerOf, Shares } from '../guard/shares.ts'

export const maxBodyBytes = 256 * 1024
/** Of a sender without a valid key, who may begin a session and no more. */
const maxUnknownBytes = 4_096
/** What is parsed and checked within 5 ms. */
const limits = { values: 5_000, depth: 32 }
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])

const refused = (reason: string) => adminError('ADMIN_BODY', { reason })
const tooLarge = (bytes: number) => adminError('ADMIN_BODY_LARGE', { bytes })

/** @throws ADMIN_BODY for a text that is not JSON, is too deep or too large, or has keys of objects' prototypes */
export function checkJson(text: string): void {
  const excess = jsonExcess(text, limits)
  if (excess !== undefined) throw refused(`it ${excess}`)
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit)
    else if (typeof value === 'object' && value !== null)
      for (const [key, each] of Object.entries(value)) {
        if (forbiddenKeys.has(key)) throw refused(`the key ${JSON.stringify(key)} is not taken`)
        visit(each)
      }
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw refused('it is not JSON')
  }
  visit(parsed)
}

export const bodyDeadlineMs = 10_000
/** Bodies that may be on their way at one time, of those who showed a key and of those who did not. */
export const maxBodies = { known: 32, unknown: 8 } as const

/** Reads bodies within a deadline, and few at a time, to prevent slow senders from blocking the API. */
export class BodyReader {
  /** Refused since they were too slow or too many. */
  refused = 0
  readonly #reading = { known: new Shares(), unknown: new Shares() }

  constructor(private readonly clock: Pick<Clock, 'after'>) {}

  /**
   * Reads the body, if there is one; validators and handlers get it from the cache of the request.
   * @param sender undefined for one without a valid key @param from the address of the sender
   * @returns its text, empty for none @throws ADMIN_BODY, ADMIN_BODY_LARGE, ADMIN_BODY_SLOW, ADMIN_BODY_BUSY
   */
  async read(request: HonoRequest, sender: Principal | undefined, from: string): Promise<string> {
    const declared = Number(request.header('content-length') ?? 0)
    const maxBytes = sender === undefined ? maxUnknownBytes : maxBodyBytes
    if (declared > maxBytes) throw tooLarge(maxBytes)
    const kind = sender === undefined ? 'unknown' : 'known'
    const caller = sender === undefined ? { id: from, name: from } : callerOf(sender)
    const free = this.#reading[kind].take(caller, maxBodies[kind], (limit, caller) => {
      this.refused += 1
      const headers = { 'retry-after': '1', connection: 'close' }
      return adminError('ADMIN_BODY_BUSY', { limit, caller, headers })
    })
    const late = Promise.withResolvers<never>()
    const cancel = this.clock.after(bodyDeadlineMs, () => {
      this.refused += 1
      late.reject(adminError('ADMIN_BODY_SLOW', { seconds: bodyDeadlineMs / 1_000, headers: { connection: 'close' } }))
    })
    let text: string
    try {
      text = await Promise.race([request.text(), late.promise])
    } finally {
      cancel()
      free()
    }
    if (text.length > maxBytes) throw tooLarge(maxBytes)
    if (text !== '' && /\bjson\b/i.test(request.header('content-type') ?? '')) checkJson(text)
    return text
  }
}
