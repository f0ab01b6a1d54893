/** How to recognise a server by its first words. Pure. */

export type ServiceKind = 'postgres' | 'mysql' | 'redis'

export interface Recognised {
  /** Whether it can be checked without credentials. */
  readonly open: boolean
  /** As the server says it, where it does. */
  readonly version?: string
}

interface Protocol {
  readonly kind: ServiceKind
  readonly title: string
  readonly port: number
  readonly send?: Uint8Array
  /** @returns what the answer tells, or undefined if another kind of server gave it */
  recognise(answer: Uint8Array): Recognised | undefined
}

const ascii = (text: string) => new TextEncoder().encode(text)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** @see https://www.postgresql.org/docs/current/protocol-message-formats.html SSLRequest: answered by S or N */
const postgres: Protocol = {
  kind: 'postgres',
  title: 'PostgreSQL',
  port: 5432,
  send: Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f),
  recognise: (answer) => (answer.length === 1 && /^[SN]$/.test(text(answer)) ? { open: false } : undefined),
}

/**
 * The server speaks first: packet header of four bytes, then 10 and its version, or 255 and an error.
 * @see https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets.html
 */
const mysql: Protocol = {
  kind: 'mysql',
  title: 'MySQL or MariaDB',
  port: 3306,
  recognise(answer) {
    if (answer.length < 7 || answer[3] !== 0) return undefined
    if (answer[4] === 0xff) return { open: false }
    const end = answer.indexOf(0, 5)
    if (answer[4] !== 10 || end < 6) return undefined
    return { open: false, version: text(answer.subarray(5, end)).replace(/^5\.5\.5-/, '') }
  },
}

/** @see https://redis.io/docs/latest/develop/reference/protocol-spec/ */
const redis: Protocol = {
  kind: 'redis',
  title: 'Redis',
  port: 6379,
  send: ascii('PING\r\n'),
  recognise(answer) {
    const line = text(answer)
    if (line.startsWith('+PONG')) return { open: true }
    return /^-(NOAUTH|DENIED|LOADING|MASTERDOWN|BUSY)/.test(line) ? { open: false } : undefined
  },
}

export const protocols: readonly Protocol[] = [postgres, mysql, redis]

export const protocolOf = (kind: ServiceKind): Protocol => protocols.find((protocol) => protocol.kind === kind)!

const schemes: Readonly<Record<string, ServiceKind>> = {
  ...{ postgres: 'postgres', postgresql: 'postgres', mysql: 'mysql', mariadb: 'mysql' },
  ...{ redis: 'redis', rediss: 'redis' },
}

interface ServiceUrl {
  readonly kind: ServiceKind
  readonly host: string
  readonly port: number
}

/** @param value of a variable such as DATABASE_URL; `+driver` in its scheme is accepted @returns where it points to */
export function parseServiceUrl(value: string): ServiceUrl | undefined {
  const [, scheme = '', rest = ''] = /^([a-z]+)(?:\+\w+)?(:\/\/.*)$/i.exec(value) ?? []
  const kind = Object.hasOwn(schemes, scheme.toLowerCase()) ? schemes[scheme.toLowerCase()] : undefined
  if (kind === undefined || !URL.canParse(`http${rest}`)) return undefined
  const { hostname, port } = new URL(`http${rest}`)
  // `http:` swallows its own default port, which is nobody's here.
  return { kind, host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || protocolOf(kind).port }
}
