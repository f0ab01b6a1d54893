/** The address that a listener binds to. Pure. */
import { isIP } from 'node:net'
import { z } from 'zod'

/** A last label of digits belongs to an address, `999.1.1.1`. */
const hostName = /^(?:[\w-]{1,63}\.)*(?!\d+$|0x[\da-f]*$)[\w-]{1,63}$/i

const expected =
  'expected an address such as 127.0.0.1, 0.0.0.0 or ::1, or a host name: no scheme, port, mask, bracket or blank'

/** A schema for the `host` of a listener. */
export const bindHost = () =>
  z
    .string()
    .max(253)
    .refine((host) => isIP(host) > 0 || hostName.test(host), expected)
    .meta({ pattern: '^[\\w.:%-]+$' })

/** IPv6 in its shortest form and in brackets; IPv4 dotted, also where it is written as IPv6. */
function canonical(host: string): string {
  if (host.toLowerCase() === 'localhost') return '127.0.0.1'
  const shown = host.includes(':') ? `[${host.replace(/%.*/, '')}]` : host
  const name = URL.canParse(`http://${shown}`) ? new URL(`http://${shown}`).hostname : host
  const groups = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(name)?.slice(1)
  if (groups === undefined) return name
  return groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 255])
    .join('.')
}

/** Whether two listeners cannot bind the same port of these hosts. Names other than localhost are not looked up. */
export function hostsMeet(one: string, other: string): boolean {
  const [a, b] = [canonical(one), canonical(other)]
  if (a === b || a === '[::]' || b === '[::]') return true
  return (a === '0.0.0.0' && !b.startsWith('[')) || (b === '0.0.0.0' && !a.startsWith('['))
}
