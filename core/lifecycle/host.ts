/** Runs one generation of plugins after another: boot, reload, stop. Knows no config file, no port. */
import { type Graph, readGraph, serviceIds } from '../config/graph.ts'
import type { PluginSection } from '../config/types.ts'
import { coreError, messageOf } from '../contract/errors.ts'
import { isUp, type PluginState } from '../contract/plugin-state.ts'
import { redactName } from '../contract/redact/redactor.ts'
import type { PlanStep, PluginStatus } from '../contract/runtime-api.ts'
import { serviceIfMade } from '../contract/tokens.ts'
import { type Builtins, type Generation, runningNodes, servicesOf, wantedNodes } from './generation.ts'
import { GenerationBuild } from './generation-build.ts'
import type { InstanceEnvironment } from './plugin-context.ts'
import type { PluginInstance } from './plugin-instance.ts'
import { planReload } from './reload-plan.ts'
import { TotalsByPlugin } from './state/plugin-totals.ts'

export interface HostOptions {
  readonly host: InstanceEnvironment
  readonly builtins: Builtins
  /** Called in the same turn as each swap with the generation in force, to rebuild routes and hooks. */
  swapped(generation: Generation): void
  hookMs(plugin: string): number
}

type Sections = readonly PluginSection[]

/** Holds the generation in force, and replaces the generation as a whole: by a reload that succeeds, or not at all. */
export class Host {
  #current: Generation = new Map()
  #building: GenerationBuild | undefined
  #isStopped = false
  readonly #totals = new TotalsByPlugin()

  constructor(private readonly options: HostOptions) {}

  /** The service of this id for the application, if the provider is up. */
  service(id: string): unknown {
    return serviceIfMade(servicesOf(this.#current, this.options.builtins).get(id))
  }

  #graph(sections: Sections): Graph<PluginSection> {
    const graph = readGraph(sections, this.options.builtins)
    if (graph.errors[0] !== undefined) throw graph.errors[0].error
    return graph
  }

  /** @param restart a plugin to replace in any case @throws the graph's errors */
  plan(sections: Sections, restart?: string): PlanStep[] {
    return planReload(runningNodes(this.#current), wantedNodes(this.#graph(sections)), restart)
  }

  /** Starts everything. @throws the graph's errors and PLUGIN_REQUIRED_FAILED; nothing runs then */
  async boot(sections: Sections): Promise<void> {
    await this.#build(sections, this.plan(sections), true)
  }

  /** Replaces a plugin by a new instance without its state. @throws PLUGIN_NOT_THERE, PLUGIN_OFF, RELOAD_FAILED */
  async restart(plugin: string): Promise<readonly PlanStep[]> {
    const instance = this.#current.get(plugin)
    if (instance === undefined) throw coreError('PLUGIN_NOT_THERE', { plugin })
    const { state, reason } = instance
    if (state === 'disabled' || state === 'blocked') throw coreError('PLUGIN_OFF', { plugin, state, reason })
    const sections = [...this.#current.values()].map(({ section }) => section)
    const steps = this.plan(sections, plugin)
    await this.#build(sections, steps, false, plugin)
    return this.#taken(steps)
  }

  /** Swaps to a generation of these sections, or keeps the generation in force. @throws RELOAD_FAILED with the cause */
  async reload(sections: Sections): Promise<readonly PlanStep[]> {
    const steps = this.plan(sections)
    await this.#build(sections, steps, false)
    return this.#taken(steps)
  }

  /** The steps as they ended: a plugin that failed before may fail again, and block those that need its services. */
  #taken(steps: readonly PlanStep[]): readonly PlanStep[] {
    return steps.map((step) => {
      const { state, reason } = this.#current.get(step.plugin) ?? {}
      const isAsPlanned = state === undefined || isUp(state) || step.action === 'untouched' || step.action === 'remove'
      if (isAsPlanned) return step
      const memory = step.state === 'none' ? 'none' : 'lost'
      return { ...step, reason: `${step.reason}, but ${state}`, off: reason!, state: memory }
    })
  }

  async #build(sections: Sections, steps: readonly PlanStep[], boot: boolean, fresh?: string): Promise<void> {
    this.#goOn()
    const { host, builtins } = this.options
    const { order: ordered } = this.#graph(sections)
    const [current, totals] = [this.#current, this.#totals]
    const build = new GenerationBuild({ host, builtins, current, totals, sections: ordered, steps, boot, fresh })
    await this.#during(build, () => this.#replace(build, boot))
  }

  async #during(build: GenerationBuild, work: () => Promise<void>): Promise<void> {
    this.#building = build
    try {
      await work()
    } finally {
      this.#building = undefined
    }
  }

  async #replace(build: GenerationBuild, boot: boolean): Promise<void> {
    let isSwapped = false
    const before = new Map([...this.#current.values()].map(({ name, state }) => [name, state]))
    try {
      await build.run()
      this.#swap(build.next, build.outgoing, build.incoming)
      isSwapped = true
      if (!boot) await this.#readyAll(build, (instance, error) => build.judge(instance, error))
    } catch (error) {
      if (isSwapped) {
        // Before the new instances stop, each of which may take its time.
        const fallback = build.fallback()
        const withdrawn = build.incoming.filter((instance) => fallback.get(instance.name) !== instance)
        this.#swap(fallback, withdrawn, build.outgoing)
      }
      this.#swap(await build.rollback(), [], [])
      await this.#readyAll(build, () => {})
      await build.settle()
      throw boot
        ? error
        : coreError('RELOAD_FAILED', { reason: [messageOf(error), ...this.#worse(before)].join('; ') }, error)
    }
    for (const old of build.outgoing.toReversed()) await old.stop('reload')
    await build.settle()
  }

  /** The plugins that a rollback left in a worse state, in words. */
  #worse(before: ReadonlyMap<string, PluginState>): string[] {
    return [...this.#current.values()].flatMap(({ name, state, reason }) => {
      const was = before.get(name)
      const isWorse = was !== undefined && isUp(was) && state !== 'ok' && state !== was
      return isWorse ? [`plugin ${name} was ${was} and is ${state}: ${reason}`] : []
    })
  }

  /** @throws RELOAD_BUSY after a stop */
  #swap(next: Generation, outgoing: readonly PluginInstance[], incoming: readonly PluginInstance[]): void {
    this.#goOn()
    this.options.host.registry.together(() => {
      for (const { state, contributions } of incoming) if (isUp(state)) contributions.publish()
      for (const { contributions } of outgoing) contributions.withdraw()
      this.#current = next
    })
    this.options.swapped(next)
  }

  /** Calls `ready` where it was not called. An instance that fails takes those along that need its services. */
  async #readyAll(build: GenerationBuild, judge: GenerationBuild['judge']): Promise<void> {
    const all = () => [...this.#current.values()]
    const next = () => all().find(({ state, awaitsReady }) => isUp(state) && awaitsReady)
    for (let instance = next(); instance !== undefined; instance = next()) {
      try {
        await instance.ready()
      } catch (error) {
        judge(instance, error)
        this.#swap(await build.release(this.#current, instance), [], [])
        await instance.stop('failed')
        const lost = all().find(({ section, state }) => section.required && (state === 'failed' || state === 'blocked'))
        if (lost !== undefined) judge(lost, error)
      }
    }
  }

  /** Calls `ready` of every plugin: the port is open. @throws PLUGIN_REQUIRED_FAILED */
  async ready(): Promise<void> {
    const { host, builtins } = this.options
    const [current, totals] = [this.#current, this.#totals]
    const build = new GenerationBuild({ host, builtins, current, totals, sections: [], steps: [], boot: true })
    try {
      await this.#during(build, () => this.#readyAll(build, (instance, error) => build.judge(instance, error)))
    } catch (error) {
      if (!this.#isStopped) throw error
    }
  }

  #goOn(): void {
    if (this.#isStopped) throw coreError('RELOAD_BUSY')
  }

  /** Degrades the plugins that keep files in the data directory. @param reason undefined where it is over */
  holdData(reason: string | undefined): void {
    for (const { definition, faults } of this.#current.values()) if (definition.exclusive) faults.hold(this, reason)
  }

  /** Stops in reverse start order, with a reload in progress, which then fails. @returns the plugins that hung */
  async stop(): Promise<string[]> {
    this.#isStopped = true
    const hung: string[] = []
    for (const instance of (this.#building?.abandon() ?? [...this.#current.values()]).toReversed()) {
      if (await instance.stop('shutdown')) hung.push(instance.name)
    }
    return hung
  }

  status(): PluginStatus[] {
    return [...this.#current.values()].map(
      ({ name, definition, state, reason, section, startMs, startedAtMs, totals }) => ({
        name,
        version: redactName(definition.version),
        state,
        reason: reason || (section.enabledBy === undefined ? '' : `enabled by ${section.enabledBy.join(', ')}`),
        required: section.required,
        provides: serviceIds(definition.provides),
        needs: serviceIds(definition.needs),
        wants: serviceIds(definition.wants),
        startMs,
        startedAtMs,
        ...totals,
        hookMs: this.options.hookMs(name),
      }),
    )
  }
}
