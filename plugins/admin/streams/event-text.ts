/** The text of one server-sent event. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
import { adminError } from '../errors.ts'

export const maxEventBytes = 256 * 1024

/** @throws ADMIN_EVENT_INVALID for what a reader could not parse, or would parse as something else */
export function eventText(event: unknown, data: unknown, id?: unknown): string {
  const refuse = (what: string) => adminError('ADMIN_EVENT_INVALID', { what })
  if (typeof event !== 'string') throw refuse(`its event name is of the type ${typeof event}, not string`)
  if (id !== undefined && !Number.isSafeInteger(id))
    throw refuse(`its id is ${typeof id === 'number' ? id : `of the type ${typeof id}`}, not an integer`)
  const json = JSON.stringify(data)
  if (json === undefined) throw refuse(`its data is of the type ${typeof data}, which is not JSON`)
  const name = event.replaceAll(/[\r\n]/g, ' ')
  const text = `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`
  if (Buffer.byteLength(text) > maxEventBytes) throw refuse(`it has more than ${maxEventBytes} bytes`)
  return text
}
