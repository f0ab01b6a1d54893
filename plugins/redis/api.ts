/** The contract of redis for other plugins and applications. */
import { service } from '../../core/plugin.ts'

export type RedisArgument = string | number | Uint8Array

/** A command with its arguments, `['GET', 'key']`. */
export type RedisCommand = readonly [name: string, ...args: RedisArgument[]]

export type RedisState = RedisStats['state']

export interface RedisStats {
  /**
   * `connecting`: commands wait for the connection. `ready`: commands are sent. `down`: the last attempt failed;
   * commands are refused. `open`: the server did not answer; the breaker refuses commands until one is answered.
   */
  readonly state: 'connecting' | 'ready' | 'down' | 'open'
  readonly commands: number
  /** Commands that the server refused. */
  readonly refused: number
  readonly timeouts: number
  /** Commands refused without asking the server: away, breaker open, queue full. */
  readonly rejected: number
  /** Commands that wait for a connection. */
  readonly queued: number
  /** Sent and not answered. */
  readonly pending: number
  /** Connections made after the first one. */
  readonly reconnects: number
  readonly subscriptions: number
}

/** Shared connections to one Redis: for commands, for messages, for commands that block. */
export interface Redis {
  /**
   * Runs a command. Never waits longer than `commandTimeout`.
   * @throws REDIS_UNAVAILABLE, REDIS_TIMEOUT, REDIS_QUEUE_FULL, REDIS_COMMAND_FAILED
   */
  call<T = unknown>(...command: RedisCommand): Promise<T>
  /** As {@link Redis.call}; strings in the answer are bytes. */
  callBytes<T = Uint8Array | null>(...command: RedisCommand): Promise<T>
  /**
   * Runs a command that blocks on the server, one at a time on a connection of its own.
   * @param waitMs how long the command itself blocks at most, in milliseconds
   * @throws as {@link Redis.call}
   */
  blocking<T = unknown>(waitMs: number, ...command: RedisCommand): Promise<T>
  /** Listens to a channel, again after each reconnection. A listener that throws is logged. @returns stops listening */
  subscribe(channel: string, listener: (message: string) => void): () => void
  /** Calls back when subscriptions are in force; earlier messages may be lost. @returns stops the calls */
  onSubscribed(listener: () => void): () => void
  /**
   * Calls back with each new state; the present one is `stats().state`. The plugin leaves `down`
   * and `open` by itself, also while nobody runs commands. A callback that throws is logged.
   * @returns stops the calls
   */
  onState(callback: (state: RedisState) => void): () => void
  /** The fields of INFO. @param section `memory` */
  info(section?: string): Promise<ReadonlyMap<string, string>>
  stats(): RedisStats
}
export const Redis = service<Redis>('redis')
