/** The plugin that a contract is checked for, in runtimes of its own. */
import type { AnyPlugin } from '../core/contract/definition.ts'
import { type TestRuntime, testRuntime } from './test-runtime.ts'

export interface PluginContractOptions {
  /** Its section of config.yaml. @default {} */
  readonly config?: Readonly<Record<string, unknown>>
  /** Other plugins that provide what it needs. */
  readonly providers?: readonly unknown[]
  /** Values in `config` that must never be seen again. */
  readonly secrets?: readonly string[]
}

export type Parts = Readonly<Record<string, unknown>>

export interface ContractSubject {
  readonly definition: AnyPlugin
  /**
   * Boots a runtime with the plugin.
   * @param setup called in place of the plugin's own setup, with that setup
   */
  boot(setup?: (own: () => Parts) => Parts): Promise<TestRuntime>
  /** The same without the plugin. */
  bootWithout(): Promise<TestRuntime>
}

export function contractSubject(plugin: unknown, options: PluginContractOptions = {}): ContractSubject {
  const definition = plugin as AnyPlugin
  const { config = {}, providers = [] } = options
  return {
    definition,
    boot: (setup = (own) => own()) =>
      testRuntime({
        plugins: [
          { ...definition, setup: (context: never) => setup(() => definition.setup(context) as Parts) },
          ...providers,
        ],
        config: { plugins: { [definition.name]: { ...config } } },
      }),
    bootWithout: () => testRuntime({ plugins: providers }),
  }
}

/** @returns what that runtime says of the plugin */
export function statusOf({ definition: { name } }: ContractSubject, { runtime }: TestRuntime) {
  return runtime.status().plugins.find((each) => each.name === name)!
}
