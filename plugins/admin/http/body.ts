/** Reads JSON bodies that may be hostile. */
import type { HonoRequest } from 'hono'
import type { Clock } from '../../../core/plugin.ts'
import type { Principal } from '../api.ts'
import { adminError } from '../errors.ts'
import { callerOf, Shares } from '../guard/shares.ts'

export const maxBodyBytes = 256 * 1024
const maxDepth = 32
const maxNodes = 20_000
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])

const refused = (reason: string) => adminError('ADMIN_BODY', { reason })
const tooLarge = () => adminError('ADMIN_BODY_LARGE', { bytes: maxBodyBytes })

/** How deep the brackets of a JSON text go, strings left out. Linear, and never recurses. */
export function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 0x5c) index += 1
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) {
      depth += 1
      if (depth > deepest) deepest = depth
    } else if (code === 0x5d || code === 0x7d) depth -= 1
  }
  return deepest
}

/** @throws ADMIN_BODY for a text that is not JSON, is too deep or too large, or has keys of objects' prototypes */
export function checkJson(text: string): void {
  if (depthOf(text) > maxDepth) throw refused(`it nests deeper than ${maxDepth}`)
  let nodes = 0
  const visit = (value: unknown): void => {
    nodes += 1
    if (nodes > maxNodes) throw refused(`it has more than ${maxNodes} values`)
    if (typeof value !== 'object' || value === null) return
    for (const key of Object.keys(value)) {
      if (!Array.isArray(value) && forbiddenKeys.has(key)) throw refused(`the key ${JSON.stringify(key)} is not taken`)
      visit((value as Record<string, unknown>)[key])
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
    if (declared > maxBodyBytes) throw tooLarge()
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
    if (text.length > maxBodyBytes) throw tooLarge()
    if (text !== '' && /\bjson\b/i.test(request.header('content-type') ?? '')) checkJson(text)
    return text
  }
}
