/** Configurations in a temporary folder, with plugins made for the purpose. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { EnvironmentOverlay } from '../../../core/config/environment.ts'
import { ConfigError } from '../../../core/config/errors.ts'
import { type LoadOptions, loadConfig } from '../../../core/config/load.ts'
import type { RuntimeConfig } from '../../../core/config/types.ts'
import type { ConfigProblem } from '../../../core/contract/config-problem.ts'
import { type AnyPlugin, type Catalog, definePlugin } from '../../../core/contract/definition.ts'
import { duration, secret, size, z } from '../../../core/plugin.ts'

const Check = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sql').describe('Kind.'),
    url: secret().default('').describe('Address.'),
    every: duration({ min: '1s' }).prefault('15s').describe('Period.'),
  }),
  z.strictObject({
    kind: z.enum(['http', 'https']).describe('Kind.'),
    url: z.string().default('').describe('Address.'),
    headers: z.record(z.string(), secret()).default({}).describe('Headers.'),
  }),
])

export const watcher = definePlugin({
  api: 1,
  name: 'watcher',
  version: '1.0.0',
  summary: 'Made for tests.',
  config: z.strictObject({
    level: z.enum(['debug', 'info', 'warn']).default('info').describe('Level.'),
    every: duration({ min: '1s' }).prefault('15s').describe('Period.'),
    buffer: size().prefault('8MiB').describe('Buffer.'),
    token: secret().optional().describe('Token.'),
    tags: z.array(z.string()).default([]).describe('Tags.'),
    ratio: z.number().min(0).max(1).default(0.5).describe('Ratio.'),
    on: z.boolean().default(true).describe('Switch.'),
    target: z.string().default('here').describe('Target.'),
    sink: z
      .union([z.boolean(), z.strictObject({ file: z.string() })])
      .default(false)
      .describe('Sink.'),
    checks: z
      .record(z.string().regex(/^[a-z]+$/, 'expected lower case letters'), Check)
      .default({})
      .describe('Checks.'),
  }),
  presets: { production: { level: 'warn', buffer: '64MiB' } },
  unconfigured: ({ target }) => (target === '' ? 'target is empty' : undefined),
  setup: () => ({}),
})

export const catalog: Catalog = {
  watcher: async () => ({ default: watcher }),
  odd: async () => ({ default: { ...watcher, name: 'odd', presets: { production: { level: 'loud' } } } }),
  other: async () => ({ default: { ...watcher, name: 'other', config: z.strictObject({}), presets: undefined } }),
}

export interface Given extends Partial<Omit<LoadOptions, 'file'>> {
  readonly overlays?: readonly EnvironmentOverlay[]
  readonly plugins?: readonly AnyPlugin[]
}

export interface Loaded {
  readonly folder: string
  readonly config: RuntimeConfig
  /** As `line:column pointer code message | help`, the folder left out. */
  readonly problems: readonly string[]
  readonly raw: readonly ConfigProblem[]
  readonly printed: string
}

const folders: string[] = []

/** For afterAll. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

const line = ({ file, line, column, pointer, code, message, help }: ConfigProblem, folder: string) => {
  const name = file === undefined || file.endsWith('/config.yaml') ? '' : `${file.slice(folder.length + 1)}:`
  const at = line === undefined ? '-' : `${name}${line}:${column}`
  return `${at} ${pointer} ${code} ${message}${help === undefined ? '' : ` | ${help}`}`.replaceAll(`${folder}/`, '')
}

/** Writes files, loads config.yaml (or `given.object`) and catches a ConfigError, and nothing else. */
export async function load(files: string | Record<string, string>, given: Given = {}): Promise<Loaded> {
  const folder = mkdtempSync(join(tmpdir(), 'arkwatch-config-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(typeof files === 'string' ? { 'config.yaml': files } : files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const source = 'object' in given ? {} : { file: 'config.yaml' }
  try {
    const config = await loadConfig({ env: {}, catalog, overlays: [], cwd: folder, ...source, ...given })
    return { folder, config, problems: [], raw: [], printed: '' }
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown
    const problems = thrown.problems.map((each) => line(each, folder))
    return {
      folder,
      config: undefined as never,
      problems,
      raw: thrown.problems,
      printed: thrown.formatProblems(folder),
    }
  }
}

/** The parsed configuration of a plugin. */
export const sectionOf = ({ config }: Loaded, name = 'watcher') => config.plugins.find((each) => each.name === name)!
