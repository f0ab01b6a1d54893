/** The configuration in force, with its listener: planned, replaced by a reload, compared with its files, described. */
import { dirname } from 'node:path'
import { overlayFile } from './config/changes/overlay-file.ts'
import { describeSource } from './config/effective.ts'
import { ConfigError } from './config/errors.ts'
import { planListener } from './config/fixed-sections.ts'
import { refuseHeld } from './config/listeners.ts'
import type { LoadOptions } from './config/load.ts'
import type { RuntimeConfig } from './config/types.ts'
import { fingerprintNow, fingerprintOf } from './config/watch.ts'
import type { Clock } from './contract/clock.ts'
import { coreError, messageOf } from './contract/errors.ts'
import type { Logger } from './contract/logger.ts'
import type { ConfigDescription, Listener, PlanStep, RuntimeStatus } from './contract/runtime-api.ts'
import type { Host } from './lifecycle/host.ts'

interface ActiveConfigOptions {
  load(more?: Pick<LoadOptions, 'overlayText'>): Promise<RuntimeConfig>
  /** Opens the public listener, if the configuration has one. */
  open(config: RuntimeConfig): Promise<Listener | undefined>
  readonly host: Pick<Host, 'plan' | 'reload'>
  /** Refuses a configuration by throwing, before anything is started. */
  readonly accepted: ((config: RuntimeConfig) => unknown) | undefined
  isStopping(): boolean
  readonly clock: Pick<Clock, 'now'>
  readonly log: Logger
}

const filesOf = ({ files, dataDir }: RuntimeConfig) => [...new Set([...files, overlayFile(dataDir)])].sort()
const printOf = async (config: RuntimeConfig) => {
  const all = filesOf(config)
  return `${all} ${await fingerprintOf(all)}`
}

export class ActiveConfig {
  #server: Listener | undefined
  /** Fingerprint of the files as they were read; empty where a file changed meanwhile. */
  #print: string
  #description: Promise<ConfigDescription> | undefined
  /** Of the configuration that the last reload refused. */
  #refused: readonly string[] = []
  /** The contents that the last reload refused; undefined where nobody knows. */
  #refusedPrint: string | undefined
  /** Counts successful configurations. */
  generation = 0
  lastReload: RuntimeStatus['lastReload']

  constructor(
    public current: RuntimeConfig,
    private readonly options: ActiveConfigOptions,
  ) {
    this.#print = `${filesOf(current)} ${fingerprintNow(filesOf(current))}`
    this.lastReload = { ok: true, atMs: options.clock.now() }
  }

  /** @throws LISTEN_FAILED */
  async listen(): Promise<void> {
    this.#server = await this.options.open(this.current)
  }

  /** To watch, whether they exist or not. */
  get files(): readonly string[] {
    return [...new Set([...filesOf(this.current), ...this.#refused])]
  }

  /** Whether the files differ from the configuration in force, or do not answer. */
  async isStale(): Promise<boolean> {
    const print = await printOf(this.current).catch(() => undefined)
    return !this.lastReload.ok || print !== this.#print
  }

  /** Whether the files differ from what the last reload loaded or refused. */
  async hasNews(): Promise<boolean> {
    if (this.lastReload.ok) return this.isStale()
    const refused = this.#refusedPrint
    return refused !== undefined && (await printOf(this.current).catch(() => refused)) !== refused
  }

  /** @returns the steps of a reload: of the listener, then of the plugins @throws RELOAD_NEEDS_RESTART */
  async plan(more?: Pick<LoadOptions, 'overlayText'>): Promise<readonly PlanStep[]> {
    const next = await this.options.load(more)
    const step = this.#listenerStep(next)
    return [...(step === undefined ? [] : [step]), ...this.options.host.plan(next.plugins)]
  }

  #listenerStep(next: RuntimeConfig): PlanStep | undefined {
    const step = planListener(this.current, next)
    refuseHeld(this.current, next)
    return step
  }

  /** Plans a reload with an overlay of this text. @throws as `plan` */
  async planOverlay(overlayText: string): Promise<readonly PlanStep[]> {
    try {
      return await this.plan({ overlayText })
    } catch (error) {
      throw error instanceof ConfigError ? error.ofChange(overlayFile(this.current.dataDir)) : error
    }
  }

  /**
   * @param isChange whether the caller takes the files back where the reload is refused, so that they are again those
   * in force, and the last reload is still the one before
   */
  async reload(isChange = false): Promise<readonly PlanStep[]> {
    const { clock, log, load } = this.options
    let files: readonly string[] = []
    let before: string | undefined
    try {
      before = await printOf(this.current)
      const next = await load()
      files = next.files
      const print = await printOf(next)
      const steps = await this.#replace(next, before === print ? print : '')
      this.#refused = []
      this.lastReload = { ok: true, atMs: clock.now() }
      const changed = steps.filter(({ action }) => action !== 'untouched')
      log.info('configuration reloaded', { generation: this.generation, changed })
      return steps
    } catch (error) {
      if (!isChange) {
        this.#refused = error instanceof ConfigError ? error.files : files
        this.#refusedPrint = before
        this.lastReload = { ok: false, atMs: clock.now(), error: messageOf(error) }
      }
      log.error('reload refused, the old configuration stays', { error })
      throw error
    }
  }

  /** Puts an earlier configuration in force again, where the files cannot be loaded. @throws as `reload` */
  async restore(earlier: RuntimeConfig, why: unknown): Promise<void> {
    const { clock, log } = this.options
    await this.#replace(earlier, '')
    this.#refusedPrint = undefined
    const what = 'the configuration from before the change is in force, from memory'
    this.lastReload = { ok: false, atMs: clock.now(), error: `${messageOf(why)}; ${what}` }
    log.error(`the files cannot be loaded: ${what}`, { generation: this.generation, error: why })
  }

  /** @param print of the files */
  async #replace(next: RuntimeConfig, print: string): Promise<readonly PlanStep[]> {
    const { open, host, isStopping, accepted } = this.options
    const step = this.#listenerStep(next)
    const moves = step !== undefined && step.action !== 'reconfigure'
    // A stop has closed every listener.
    if (isStopping()) throw coreError('RELOAD_BUSY')
    accepted?.(next)
    const opened = moves ? await open(next) : undefined
    try {
      const steps = await host.reload(next.plugins)
      if (moves) {
        // Requests in progress do not hold up the reload.
        void this.#server?.close((next.server ?? this.current.server)?.drainTimeoutMs)
        this.#server = opened
      }
      this.current = next
      this.generation += 1
      this.#print = print
      this.#description = undefined
      return step === undefined ? steps : [step, ...steps]
    } catch (error) {
      await opened?.close(0)
      throw error
    }
  }

  describe(): Promise<ConfigDescription> {
    this.#description ??= this.#describe()
    return this.#description
  }

  async #describe(): Promise<ConfigDescription> {
    const { describe, dataDir } = this.current
    const { effective, sources } = await describe()
    const texts = [...sources].map(([pointer, source]) => [pointer, describeSource(source, dirname(dataDir))] as const)
    return { config: effective, sources: Object.fromEntries(texts) }
  }
}
