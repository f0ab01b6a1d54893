/** The three shared connections as one service. */
import type { Cancel, Clock, Logger } from '../../core/plugin.ts'
import type { Redis, RedisCommand, RedisState, RedisStats } from './api.ts'
import type { RedisConfig } from './config.ts'
import { boundHandshake, type Connect } from './connect.ts'
import { RedisLink } from './link.ts'
import { notify, RedisSubscriber } from './subscriber.ts'

export interface ConnectionsOptions {
  readonly config: RedisConfig
  readonly clock: Clock
  readonly log: Logger
  readonly connector: (config: RedisConfig) => Promise<Connect>
  /** Called when Redis takes commands, and with a reason when it does not. */
  readonly onState: (reason: string | undefined) => void
}

/** @param text the answer to INFO: lines `name:value` under headings `# Heading` @returns its fields */
function parseInfo(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.indexOf(':') > 0 && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]))
}

export class RedisConnections implements Redis {
  readonly commands: RedisLink
  private readonly blocker: RedisLink
  private readonly subscriber: RedisSubscriber
  private connect: Connect | undefined
  private blockerStarted = false
  private blockers = 0
  private tail: Promise<unknown> = Promise.resolve()
  private state: RedisState = 'connecting'
  private readonly stateCallbacks = new Set<(state: RedisState) => void>()
  private stopped = false
  private cancelProbe: Cancel = () => {}

  constructor(private readonly options: ConnectionsOptions) {
    const { config, clock, log } = options
    const onState = (reason: string | undefined) => this.stateChanged(reason)
    const open = (name: string) => () => boundHandshake(this.connect!(name), clock, config.connectTimeout)
    this.commands = new RedisLink({ config, clock, onState, open: open('commands') })
    this.blocker = new RedisLink({ config, clock, onState: () => {}, open: open('blocking') })
    this.subscriber = new RedisSubscriber({ config, clock, log, open: open('subscriber') })
  }

  async start(): Promise<void> {
    this.connect = await this.options.connector(this.options.config)
    this.commands.start()
    this.subscriber.start()
    this.options.clock.every(this.options.config.keepAlive, () => this.tryOut())
  }

  /** Opens the breaker of a server that hangs: without commands of others nothing else shows it. */
  private async tryOut(): Promise<void> {
    for (let left = this.options.config.failures; left > 0 && this.commands.state === 'ready'; left -= 1) {
      const isAnswered = await this.call('PING').then(
        () => true,
        () => false,
      )
      if (isAnswered) return
    }
  }

  private stateChanged(reason: string | undefined): void {
    this.options.onState(reason)
    const { state } = this.commands
    if (state === this.state) return
    this.state = state
    notify(this.options.log, this.stateCallbacks, state)
    if (state === 'open') this.probeUntilAnswered()
  }

  /** An open breaker closes by an answered command: without commands of others, this PING is the one. */
  private probeUntilAnswered(): void {
    this.cancelProbe()
    this.cancelProbe = this.options.clock.after(this.options.config.coolDown, async () => {
      await this.call('PING').catch(() => {})
      if (this.commands.state === 'open' && !this.stopped) this.probeUntilAnswered()
    })
  }

  stop(): void {
    this.stopped = true
    this.cancelProbe()
    this.commands.stop()
    this.blocker.stop()
    this.subscriber.stop()
  }

  call = <T>(...command: RedisCommand): Promise<T> => this.commands.call<T>(command)
  callBytes = <T>(...command: RedisCommand): Promise<T> => this.commands.call<T>(command, true)

  blocking<T>(waitMs: number, ...command: RedisCommand): Promise<T> {
    if (this.blockers >= this.options.config.maxQueue || this.connect === undefined)
      return this.blocker.call<T>(command)
    if (!this.blockerStarted) this.blocker.start()
    this.blockerStarted = true
    this.blockers += 1
    const result = this.tail.then(() => this.blocker.call<T>(command, false, waitMs))
    const settled = () => {}
    this.tail = result.then(settled, settled)
    return result.finally(() => {
      this.blockers -= 1
    })
  }

  subscribe: Redis['subscribe'] = (channel, listener) => this.subscriber.subscribe(channel, listener)
  onSubscribed: Redis['onSubscribed'] = (listener) => this.subscriber.onSubscribed(listener)
  onState(callback: (state: RedisState) => void): () => void {
    this.stateCallbacks.add(callback)
    return () => this.stateCallbacks.delete(callback)
  }

  async info(section?: string): Promise<ReadonlyMap<string, string>> {
    return parseInfo(await this.call<string>('INFO', ...(section === undefined ? [] : [section])))
  }

  stats(): RedisStats {
    const { counts, state, pending, queued } = this.commands
    return { ...counts, state, pending, queued, subscriptions: this.subscriber.size }
  }
}
