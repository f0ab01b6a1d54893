/** What a plugin has cost and how often it failed, over all its instances: no count falls when one replaces another. */
export interface PluginTotals {
  errors: number
  cpuMs: number
  taskMs: number
}

/** By the name of the plugin, also of one that the configuration no longer names: it may come back. */
export class TotalsByPlugin {
  readonly #totals = new Map<string, PluginTotals>()

  of(plugin: string): PluginTotals {
    const totals = this.#totals.get(plugin) ?? { errors: 0, cpuMs: 0, taskMs: 0 }
    this.#totals.set(plugin, totals)
    return totals
  }
}
