/** The plugin that a contract is checked for, in runtimes of its own. */
import type { AnyPlugin } from '../core/contract/definition.ts'
import { type TestRuntime, testRuntime } from './test-runtime.ts'

export interface PluginContractOptions {
  /** The plugin's section of config.yaml. @default {} */
  readonly config?: Readonly<Record<string, unknown>>
  /** Other plugins that provide what the plugin needs. */
  readonly providers?: readonly unknown[]
  /** Values in `config` that must never be shown. */
  readonly secrets?: readonly string[]
}

export type Parts = Readonly<Record<string, object | undefined>>
/** Called in place of the plugin's own setup, with that setup. */
export type SetupWrapper = (own: () => Parts) => Parts

export class ContractSubject {
  constructor(
    readonly definition: AnyPlugin,
    readonly options: PluginContractOptions,
  ) {}

  /** Boots a runtime with the plugin. */
  boot(setup: SetupWrapper = (own) => own()): Promise<TestRuntime> {
    const { definition } = this
    const { config = {}, providers = [] } = this.options
    const plugin = { ...definition, setup: (context: never) => setup(() => definition.setup(context) as Parts) }
    return testRuntime({ plugins: [plugin, ...providers], config: { plugins: { [definition.name]: { ...config } } } })
  }

  /** @returns the plugin's status in that runtime */
  statusIn({ runtime }: TestRuntime) {
    return runtime.status().plugins.find(({ name }) => name === this.definition.name)!
  }
}
