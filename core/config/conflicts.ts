/** What plugins say of the whole configuration, beyond the schema of one section: conflicts, and their listeners. */
import type { ConfigProblem } from '../contract/config-problem.ts'
import type { ConfigContext, DeclaredListener } from '../contract/definition.ts'
import { type RoutePattern, rankRoutes } from '../contract/foreign/route-conflicts.ts'
import { shapeProblem } from '../contract/foreign/shape.ts'
import { callDefinition, failedCheck } from './definitions/calls.ts'
import { problem } from './errors.ts'
import { withoutQuotes } from './schema/quoted-secrets.ts'
import { locate, type Node, type Path } from './tree/node.ts'
import type { PluginSection } from './types.ts'

const listenerShape = {
  path: 'object',
  host: 'text',
  port: 'number',
  unix: 'text?',
  tls: 'object?',
  shared: 'flag?',
} as const
const tlsShape = { cert: 'text', key: 'text' } as const

/** @throws TypeError for what is not a listener */
function placed(listener: DeclaredListener, plugin: string): DeclaredListener {
  const what = shapeProblem(listenerShape, listener) ?? (listener.tls && shapeProblem(tlsShape, listener.tls))
  if (what !== undefined) throw new TypeError(`a listener: ${what}`)
  return { ...listener, path: ['plugins', plugin, ...listener.path] }
}

/** A declared route, `/admin/*` or `GET /livez`, as Hono would read it. */
function patternOf(declared: string): RoutePattern {
  const [, method = 'ALL', path = ''] = /^(?:([A-Z]+) )?\/*(.*)$/s.exec(declared)!
  return { method, path: `/${path}` }
}

/** @returns the place in a section where a text is written, or undefined */
function writtenAt(node: Node | undefined, text: string): Path | undefined {
  if (node?.kind === 'scalar') return node.value === text ? [] : undefined
  const inner = node?.kind === 'map' ? [...node.entries].map(([key, entry]) => [key, entry.node] as const) : []
  for (const [key, each] of inner) {
    const rest = writtenAt(each, text)
    if (rest !== undefined) return [key, ...rest]
  }
  return undefined
}

/** @returns an error at the setting that wrote the path, else at the section whose routes a start would leave out */
function routeConflicts(owners: Parameters<typeof rankRoutes>[0], root: Node): readonly ConfigProblem[] {
  return [...rankRoutes(owners).refused].map(([plugin, { keeper, kept, refused }]) => {
    const sections = [
      [plugin, refused.path],
      [keeper, kept.path],
    ] as const
    const [at = ['plugins', plugin]] = sections.flatMap(([name, path]) => {
      const written = writtenAt(locate(root, ['plugins', name]).node, path)
      return written === undefined ? [] : [['plugins', name, ...written]]
    })
    const what = `two plugins answer one path: ${plugin} answers ${refused.path}, ${keeper} answers ${kept.path}`
    const { source, key } = locate(root, at)
    const help = 'Give one of the two another path, or turn it off.'
    return problem('CONFIG_VALUE', { what }, at, at.length > 2 ? source : key, help)
  })
}

/**
 * @param foreign whether a section's plugin is not built in, and may contribute names that `offers` does not declare
 * @returns a configuration error for each conflict, and the listeners that plugins open, by their whole path
 */
export function conflicts(
  sections: readonly PluginSection[],
  root: Node,
  context: Omit<ConfigContext, 'offered'>,
  foreign: (section: PluginSection) => boolean,
): { readonly found: readonly ConfigProblem[]; readonly listeners: readonly DeclaredListener[] } {
  // A plugin whose target is not configured counts: the same file may serve another machine.
  const named = sections.filter(({ config }) => config !== undefined)
  const found: ConfigProblem[] = []
  const listeners: DeclaredListener[] = []
  const broken = new Set<string>()
  /** Calls a function of a definition, whose error is a configuration error, once. */
  const checked = <T>(section: PluginSection, call: () => readonly T[]): readonly T[] => {
    try {
      return call()
    } catch (thrown) {
      if (!broken.has(section.name)) found.push(failedCheck(section, root, thrown))
      broken.add(section.name)
      return []
    }
  }
  const namesOf = (section: PluginSection, point: string) =>
    checked(section, () =>
      callDefinition(section.definition, 'offers', [section.config], (offers) =>
        [...(offers?.[point] ?? [])].map(String),
      ),
    )
  const offered: ConfigContext['offered'] = (point) => ({
    names: named.flatMap((section) => namesOf(section, point)),
    complete:
      broken.size === 0 && !named.some((section) => section.definition.offers === undefined && foreign(section)),
  })
  for (const section of sections) {
    const { name, definition, config, disabled } = section
    if (disabled !== undefined) continue
    const ask = [config, { ...context, offered }]
    const conflicting = checked(section, () =>
      callDefinition(definition, 'conflicts', ask, (conflicts = []) =>
        conflicts.map(({ path, what, help }) => {
          const at = ['plugins', name, ...path]
          const whole = locate(root, ['plugins', name]).node
          const source = (locate(root, at).node ?? whole)?.source
          const shown = (text: string) => withoutQuotes(text, definition.config, whole)
          return problem('CONFIG_VALUE', { what: shown(what) }, at, source, help && shown(help))
        }),
      ),
    )
    found.push(...conflicting)
    const place = (opened: readonly DeclaredListener[] = []) => opened.map((listener) => placed(listener, name))
    listeners.push(...checked(section, () => callDefinition(definition, 'listens', [config], place)))
  }
  const owners = sections.flatMap((section) =>
    section.disabled === undefined && section.config !== undefined
      ? [{ plugin: section.name, foreign: foreign(section), answers: namesOf(section, 'routes').map(patternOf) }]
      : [],
  )
  return { found: [...found, ...routeConflicts(owners, root)], listeners }
}
