/** Reads JSON bodies that may be hostile. */
import type { HonoRequest } from 'hono'
import { adminError } from '../errors.ts'

export const maxBodyBytes = 256 * 1024
const maxDepth = 32
const maxNodes = 20_000
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype'])

const refused = (reason: string) => adminError('ADMIN_BODY', { reason })

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

/** @throws ADMIN_BODY for what is no JSON, is too deep or too large, or carries keys that reach into objects' prototypes */
export function checkJson(text: string): void {
  if (text.length > maxBodyBytes) throw refused(`it is larger than ${maxBodyBytes} bytes`)
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
    throw refused('it is no JSON')
  }
  visit(parsed)
}

/**
 * Reads the body, if there is one; validators and handlers get it from the cache of the request.
 * @returns its text, empty for none @throws ADMIN_BODY
 */
export async function readBody(request: HonoRequest): Promise<string> {
  const declared = Number(request.header('content-length') ?? 0)
  if (declared > maxBodyBytes) throw refused(`it is larger than ${maxBodyBytes} bytes`)
  const text = await request.text()
  if (text !== '' && /\bjson\b/i.test(request.header('content-type') ?? '')) checkJson(text)
  return text
}
