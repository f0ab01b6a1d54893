/** Looks at the environment and at well-known local ports for what there is to watch. */
import { ask } from './exchange.ts'
import { parseServiceUrl, protocolOf, protocols, type Recognised, type ServiceKind } from './protocols.ts'

/** Something to watch. Holds no secret. */
export interface Finding {
  /** Name of its check. */
  readonly name: string
  readonly kind: ServiceKind
  readonly title: string
  readonly host: string
  readonly port: number
  /** The variable that holds its URL, or would. */
  readonly variable: string
  /** The variable is set. */
  readonly named: boolean
  /** What it answered; undefined if it did not. */
  readonly answer: Recognised | undefined
}

/** The variables that name a service of one of the kinds, and the checks they stand for; of a local port the first. */
const named: readonly { variable: string; name: string; kinds: readonly ServiceKind[] }[] = [
  { variable: 'DATABASE_URL', name: 'database', kinds: ['postgres', 'mysql'] },
  { variable: 'MYSQL_URL', name: 'mysql', kinds: ['mysql'] },
  { variable: 'REDIS_URL', name: 'redis', kinds: ['redis'] },
]

interface SurveyOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** How long one port may take to answer. */
  readonly timeoutMs: number
  /** Ports to look at in place of the well-known ones. */
  readonly ports?: Partial<Record<ServiceKind, number>>
}

async function look(kind: ServiceKind, host: string, port: number, timeoutMs: number): Promise<Recognised | undefined> {
  const { send, recognise } = protocolOf(kind)
  const answer = await ask({ host, port, send, timeoutMs })
  return answer && recognise(answer)
}

/** @returns what the environment names, whether it answers or not, and what answers on local ports besides */
export async function survey({ env, timeoutMs, ports = {} }: SurveyOptions): Promise<readonly Finding[]> {
  const fromEnvironment = named.flatMap(({ variable, name, kinds }) => {
    const url = parseServiceUrl(env[variable]?.trim() ?? '')
    if (url === undefined || !kinds.includes(url.kind)) return []
    return [{ name, variable, named: true, ...url }]
  })
  const local = protocols
    .map(({ kind, port }) => {
      const { name, variable } = named.find(({ kinds }) => kinds[0] === kind)!
      return { name, variable, named: false, kind, host: '127.0.0.1', port: ports[kind] ?? port }
    })
    .filter(({ kind, name }) => !fromEnvironment.some((each) => each.kind === kind || each.name === name))
  const findings = await Promise.all(
    [...fromEnvironment, ...local].map(async (each) => ({
      ...each,
      title: protocolOf(each.kind).title,
      answer: await look(each.kind, each.host, each.port, timeoutMs),
    })),
  )
  return findings.filter((each) => each.named || each.answer !== undefined)
}
