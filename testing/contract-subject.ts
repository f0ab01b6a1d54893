/** The plugin that a contract is checked for, in runtimes of its own. */
import type { ConfigError } from '../core/config/errors.ts'
import type { AnyPlugin } from '../core/contract/definition.ts'
import { systemClock } from '../core/process/clock.ts'
import { testClock } from './test-clock.ts'
import { type TestRuntime, testRuntime } from './test-runtime.ts'

export interface PluginContractOptions {
  /** The plugin's section of config.yaml. @default {} */
  readonly config?: Readonly<Record<string, unknown>>
  /** The sections of other plugins, `{ store: {} }`: of those of Arkwatch, and of `providers`. @default {} */
  readonly plugins?: Readonly<Record<string, unknown>>
  /** The definitions of other plugins that provide what the plugin needs. */
  readonly providers?: readonly unknown[]
  /** Texts that must never be shown, besides the values of `config` whose schema is `secret()`. */
  readonly secrets?: readonly string[]
}

export type Parts = Readonly<Record<string, object | undefined>>
/** Called in place of the plugin's own setup, with that setup. */
export type SetupWrapper = (own: () => Parts) => Parts

/** Real milliseconds that a stop may take before the time of the test clock moves on to the deadline. */
const patienceMs = 500

/** Stops, also a plugin that hangs in stop. @returns the plugins that hung, and the errors logged meanwhile */
async function stopped({ clock, lines, stop }: TestRuntime) {
  const before = lines.length
  let late = Promise.resolve()
  const cancel = systemClock.after(patienceMs, () => {
    late = clock.advance(60_000)
  })
  const { hung } = await stop().finally(cancel)
  await late
  const errors = lines.slice(before).filter(({ level }) => ['error', 'fatal'].includes(level))
  return { hung, errors: errors.map(({ message }) => message) }
}

export class ContractSubject {
  constructor(
    readonly definition: AnyPlugin,
    readonly options: PluginContractOptions,
  ) {}

  async boot(setup: SetupWrapper = (own) => own(), clock = testClock()) {
    const { definition, options } = this
    const { config = {}, plugins = {}, providers = [] } = options
    const plugin = { ...definition, setup: (context: never) => setup(() => definition.setup(context) as Parts) }
    const sections = { ...plugins, [definition.name]: { ...config } }
    try {
      const booted = await testRuntime({ clock, plugins: [plugin, ...providers], config: { plugins: sections } })
      const stop = () => stopped(booted)
      return { ...booted, stop, [Symbol.asyncDispose]: async () => void (await stop()) }
    } catch (thrown) {
      const { problems = [] } = thrown as Partial<ConfigError>
      const missing = problems.find(({ code }) => code === 'SERVICE_UNAVAILABLE')
      if (missing === undefined) throw thrown
      const advice =
        'Give pluginContract `{ plugins: { metrics: {} } }` for a plugin that comes with Arkwatch, here metrics, and `{ providers: [definition] }` for another.'
      throw new Error(`${missing.message}. ${advice}`, { cause: thrown })
    }
  }

  statusIn({ runtime }: Pick<TestRuntime, 'runtime'>) {
    return runtime.status().plugins.find(({ name }) => name === this.definition.name)!
  }
}
