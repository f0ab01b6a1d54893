/** Builds the next generation beside the current one, which runs until the swap. A failed build is rolled back. */
import { heldServices, missingNeed, serviceIds } from '../config/graph.ts'
import type { PluginSection } from '../config/types.ts'
import type { Handover } from '../contract/definition.ts'
import { coreError } from '../contract/errors.ts'
import { isUp, type PluginState } from '../contract/plugin-state.ts'
import type { PlanStep } from '../contract/runtime-api.ts'
import { type Builtins, type Generation, servicesOf } from './generation.ts'
import type { InstanceEnvironment } from './plugin-context.ts'
import { PluginInstance } from './plugin-instance.ts'
import { inherits } from './reload-plan.ts'
import type { TotalsByPlugin } from './state/plugin-totals.ts'

interface BuildOptions {
  readonly host: InstanceEnvironment
  readonly builtins: Builtins
  readonly totals: TotalsByPlugin
  readonly current: Generation
  /** In start order. */
  readonly sections: readonly PluginSection[]
  readonly steps: readonly PlanStep[]
  /** At boot each plugin is published as soon as the plugin has started, and an optional plugin may fail. */
  readonly boot: boolean
  /** A plugin that does not get its previous state. */
  readonly fresh?: string | undefined
}

export class GenerationBuild {
  readonly next = new Map<string, PluginInstance>()
  /** New instances that the swap publishes, in start order. */
  readonly incoming: PluginInstance[] = []
  /** Of the suspended instances; undefined for one that did not hand over. */
  readonly #handovers = new Map<PluginInstance, Handover | undefined>()
  /** The reverts of instances that stay. */
  readonly #reverts: (() => unknown)[] = []
  readonly #reconfigured: PluginInstance[] = []
  /** Every instance that the build made, also in its rollback. */
  readonly #made: PluginInstance[] = []
  #isAbandoned = false

  constructor(private readonly options: BuildOptions) {}

  /** Old instances that the swap withdraws, in start order. */
  get outgoing(): readonly PluginInstance[] {
    return [...this.options.current.values()].filter((old) => this.next.get(old.name) !== old)
  }

  /** Makes no further instance: the runtime stops. @returns every instance, old and new, in start order */
  abandon(): readonly PluginInstance[] {
    this.#isAbandoned = true
    return [...this.options.current.values(), ...this.#made]
  }

  /** @throws RELOAD_BUSY once the build is abandoned */
  #make(section: PluginSection, state?: PluginState, reason?: string): PluginInstance {
    this.#goOn()
    const { host, totals } = this.options
    const instance = new PluginInstance(section, host, totals.of(section.name), state, reason)
    this.#made.push(instance)
    return instance
  }

  #goOn(): void {
    if (this.#isAbandoned) throw coreError('RELOAD_BUSY')
  }

  /** Makes each step, in start order. @throws RELOAD_BUSY, PLUGIN_FAILED, PLUGIN_TIMEOUT, PLUGIN_REQUIRED_FAILED */
  async run(): Promise<void> {
    const actions = new Map(this.options.steps.map(({ plugin, action }) => [plugin, action]))
    for (const section of this.options.sections) await this.#step(section, actions.get(section.name))
  }

  async #step(section: PluginSection, action: PlanStep['action'] | undefined): Promise<void> {
    this.#goOn()
    const old = this.options.current.get(section.name)
    if (action === 'reconfigure') {
      this.#reconfigured.push(old!)
      this.#reverts.push(await old!.reconfigure(section))
      this.next.set(section.name, old!)
    } else if (action === 'untouched' && old !== undefined && isUp(old.state)) {
      const before = old.section
      this.#reverts.push(() => {
        old.section = before
      })
      old.section = section
      this.next.set(section.name, old)
    } else {
      await this.#startOne(section, old)
    }
  }

  async #startOne(section: PluginSection, old: PluginInstance | undefined): Promise<void> {
    const { host, builtins, boot } = this.options
    const { name: plugin, required, disabled } = section
    const services = servicesOf(this.next, builtins)
    const reason = disabled ?? missingNeed(section.definition, services)
    if (reason !== undefined) {
      const state = disabled === undefined ? 'blocked' : 'disabled'
      this.next.set(plugin, this.#make(section, state, reason))
      if (state === 'blocked' && reason !== old?.reason)
        host.logger(plugin).warn(`plugin ${plugin} is blocked: ${reason}`)
      if (state === 'blocked' && required) throw coreError('PLUGIN_REQUIRED_FAILED', { plugin, state, reason })
      return
    }
    const inherited = await this.#inherit(old, section)
    const instance = this.#make(section)
    this.next.set(plugin, instance)
    this.incoming.push(instance)
    try {
      await instance.start(services, inherited)
    } catch (error) {
      this.judge(instance, error)
      await instance.stop('failed')
    }
    if (boot && isUp(instance.state)) instance.contributions.publish()
  }

  /** @throws the error that ends the build, unless the build continues without the instance, which failed */
  judge({ name: plugin, section, state, reason }: PluginInstance, error: unknown): void {
    if (section.required) throw coreError('PLUGIN_REQUIRED_FAILED', { plugin, state, reason }, error)
    const old = this.options.current.get(plugin)
    const wasDown = old !== undefined && !isUp(old.state) && !this.#handovers.has(old)
    const retried = wasDown && Bun.deepEquals(old.section.config, section.config)
    if (!this.options.boot && !retried) throw error
  }

  /** Lets reconfigured plugins close what the config in force does not need. Never rejects. */
  async settle(): Promise<void> {
    for (const instance of this.#reconfigured.filter(({ state }) => isUp(state))) {
      const call = () => instance.parts.settled?.()
      await instance.phases.inTime('stop', call, 'settled').catch((error) => instance.fault('settled', error))
    }
  }

  async #inherit(old: PluginInstance | undefined, { definition }: PluginSection): Promise<unknown> {
    if (old === undefined) return undefined
    if (isUp(old.state)) await this.#suspend(old)
    const isFresh = old.name === this.options.fresh || !inherits(definition, old.definition)
    return isFresh ? undefined : this.#handovers.get(old)?.state
  }

  /** Takes the state over. An exclusive plugin stops before its successor starts; the holders of its services first. */
  async #suspend(old: PluginInstance, stops = old.definition.exclusive === true): Promise<void> {
    if (stops) for (const holder of this.#holdersOf(old)) if (isUp(holder.state)) await this.#suspend(holder, true)
    this.#goOn()
    // A restart drops the state in any case.
    const handover = await old.handover().catch((error) => {
      if (old.name !== this.options.fresh) throw error
      return undefined
    })
    this.#handovers.set(old, handover)
    if (stops) await old.stop('reload')
  }

  /** Those of the current generation, the last started first. */
  #holdersOf({ definition }: PluginInstance): readonly PluginInstance[] {
    const provided = new Set(serviceIds(definition.provides))
    return [...this.options.current.values()]
      .toReversed()
      .filter((each) => heldServices(each.definition).some((id) => provided.has(id)))
  }

  /** What a rollback puts in force first: the old instances; for one that had to stop, its successor until it stops. */
  fallback(): Generation {
    const entries = [...this.options.current].map(([name, old]): [string, PluginInstance] => [
      name,
      this.#wasStopped(old) ? (this.next.get(name) ?? old) : old,
    ])
    return new Map(entries)
  }

  #wasStopped(old: PluginInstance): boolean {
    return !isUp(old.state) && this.#handovers.has(old)
  }

  /**
   * Resumes the old instances before the new ones stop, each of which may take its time. Rebuilds those that had to
   * stop and the holders of their services. `ready` of the rebuilt ones is not called.
   * @throws RELOAD_BUSY once the build is abandoned
   */
  async rollback(): Promise<Generation> {
    for (const old of this.options.current.values()) {
      this.#goOn()
      const handover = this.#handovers.get(old)
      if (!isUp(old.state)) continue
      this.#handovers.delete(old)
      if (handover !== undefined) await old.resume(handover)
    }
    this.#goOn()
    for (const instance of this.incoming.toReversed()) await instance.stop('failed')
    for (const revert of this.#reverts.toReversed()) {
      this.#goOn()
      await revert()
    }
    const restored = await this.#rebuild(this.options.current, new Set())
    this.#handovers.clear()
    return restored
  }

  /**
   * Starts those again that only want a service of an instance that failed in `ready`; those that need one are blocked.
   * @throws RELOAD_BUSY once the build is abandoned
   */
  async release(from: Generation, { definition }: PluginInstance): Promise<Generation> {
    const next = await this.#rebuild(from, new Set(serviceIds(definition.provides)))
    this.incoming.push(...[...next.values()].filter((instance) => from.get(instance.name) !== instance))
    return next
  }

  /** @param lost the services whose holders are rebuilt, to which those of each rebuilt instance are added */
  async #rebuild(from: Generation, lost: Set<string>): Promise<Generation> {
    const { host, builtins } = this.options
    const affected = [...from.values()].filter((old) => {
      const { definition, state, phases } = old
      const isHolder = isUp(state) && heldServices(definition).some((id) => lost.has(id))
      if (!this.#wasStopped(old) && !isHolder && phases.late === undefined) return false
      for (const id of serviceIds(definition.provides)) lost.add(id)
      return true
    })
    for (const old of affected.toReversed()) {
      this.#goOn()
      if (!this.#handovers.has(old)) this.#handovers.set(old, await old.handover().catch(() => undefined))
      await old.stop('reload')
    }
    const rebuilt = new Map<string, PluginInstance>()
    for (const old of from.values()) {
      this.#goOn()
      const { name, section } = old
      if (!affected.includes(old)) {
        rebuilt.set(name, old)
        continue
      }
      const log = host.logger(name)
      if (old.phases.late !== undefined)
        log.warn(`plugin ${name} is started again with its old configuration: its reconfigure was late`)
      const services = servicesOf(rebuilt, builtins)
      const blocked = missingNeed(section.definition, services)
      if (blocked !== undefined) log.warn(`plugin ${name} is blocked: ${blocked}`)
      const again = this.#make(section, blocked === undefined ? 'starting' : 'blocked', blocked)
      rebuilt.set(name, again)
      // An instance that fails is logged and stays failed.
      if (blocked === undefined)
        await again.start(services, this.#handovers.get(old)?.state).catch(() => again.stop('failed'))
      if (isUp(again.state)) again.contributions.publish()
    }
    return rebuilt
  }
}
