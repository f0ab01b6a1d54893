/**
 * The one error class of the project, and the table of core's codes. Plugins add tables by {@link defineErrors}.
 * Over 250 lines because of the table.
 */
import { channel } from 'node:diagnostics_channel'
import { redactMessage, show } from './redact/redactor.ts'

/** One row of an error table. `message` and `help` hold `{name}` placeholders; `help` says what to do. */
interface ErrorEntry {
  /** HTTP status of a request that fails with this error; absent for a fault of the program. */
  readonly status?: number
  readonly message: string
  readonly help: string
}
export type ErrorTable = Readonly<Record<string, ErrorEntry>>
export type ErrorDetails = Readonly<Record<string, unknown>>

const brand = Symbol.for('arkwatch.error')

/** An error with a stable `code`, a message with the values seen, and advice in `help`. */
export class ArkwatchError extends Error {
  override readonly name = 'ArkwatchError'
  readonly [brand] = true

  constructor(
    readonly code: string,
    message: string,
    readonly help: string,
    readonly details: ErrorDetails = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
  }
}

/** An error of another copy of the package is one, too: a plugin may bring a copy along. A subclass is itself alone. */
Object.defineProperty(ArkwatchError, Symbol.hasInstance, {
  value(this: unknown, error: unknown): boolean {
    if (this === ArkwatchError) return error instanceof Error && Object.hasOwn(error, brand)
    return Function.prototype[Symbol.hasInstance].call(this as typeof ArkwatchError, error)
  },
})

/** Receives `{ code }` of every error made from a table, before the error is thrown. */
const errorChannel = channel('arkwatch:error')

/** Of every copy of the package in this process. */
const registry = Symbol.for('arkwatch.errors')
const shared = globalThis as { [registry]?: { tables: Map<string, ErrorTable>; entries: Record<string, ErrorEntry> } }
shared[registry] ??= { tables: new Map(), entries: {} }
const { tables, entries } = shared[registry]

/**
 * Registers a table of codes in UPPER_SNAKE_CASE. @param owner `core`, `cli`, or the name of the plugin
 * @returns `(code, details, cause?) => ArkwatchError`; `details` fill the `{placeholders}`
 * @throws TypeError for a status that is not one of an error
 */
export function defineErrors<T extends ErrorTable>(owner: string, table: T) {
  for (const [code, { status = 500 }] of Object.entries(table)) {
    if (Number.isInteger(status) && status >= 400 && status <= 599) continue
    throw new TypeError(`the status of the error ${code} is ${messageOf(status)}: expected 400 to 599`)
  }
  tables.set(owner, { ...tables.get(owner), ...table })
  Object.assign(entries, table)
  return (code: keyof T & string, details: ErrorDetails = {}, cause?: unknown): ArkwatchError => {
    const entry = table[code] as ErrorEntry
    if (errorChannel.hasSubscribers) errorChannel.publish({ code })
    const fill = (text: string) => text.replace(/\{(\w+)\}/g, (whole, key: string) => messageOf(details[key] ?? whole))
    return new ArkwatchError(code, fill(entry.message), fill(entry.help), details, cause)
  }
}

/** The tables of the modules that are loaded, by owner, for docs and tests. */
export const errorTables = (): ReadonlyMap<string, ErrorTable> => tables

/** @returns 400-599 for a declared error, 503 where a request may succeed later; undefined for a fault of a program */
export function httpStatusOf(thrown: unknown): number | undefined {
  const { code } = errorOf(thrown)
  return typeof code === 'string' && Object.hasOwn(entries, code) ? entries[code]?.status : undefined
}

/** Also of another realm, such as that of `node:vm`. */
export const isError = (value: unknown): value is Error => value instanceof Error || Error.isError(value)

/** The message of any thrown value, without secrets, also of one that throws when it is read. */
export function messageOf(thrown: unknown): string {
  try {
    const { message } = Object(thrown) as { readonly message?: unknown }
    const isTold = isError(thrown) ? typeof message !== 'object' : typeof message === 'string' && message !== ''
    const text = String(isTold ? message : thrown)
    // `[object Object]` says nothing.
    return !isTold && text.includes('[object ') ? `${show(thrown)} without a message` : redactMessage(text)
  } catch {
    return 'a thrown value that cannot be shown'
  }
}

/** @returns the thrown value if that is an Error whose fields can be read, else an Error that can, with its message */
export function errorOf(thrown: unknown): Error & { readonly code?: unknown } {
  try {
    if (isError(thrown)) {
      const { name, message, stack, cause, code, details } = thrown as Error & Record<string, unknown>
      if (typeof message !== 'string') return new Error(messageOf(thrown))
      if (thrown instanceof Error && [name, stack, cause, code, details].length > 0) return thrown
      // Hono and others ask for `instanceof Error`: an error of another realm is copied.
      return Object.assign(new Error(message), { name, stack, cause, ...(code !== undefined && { code, details }) })
    }
  } catch {
    // A getter or a proxy that throws.
  }
  return new Error(messageOf(thrown))
}

export const coreError = defineErrors('core', {
  PLUGIN_API_MISMATCH: {
    message: 'plugin {plugin} was written for contract api {seen}, this runtime speaks api {wanted}',
    help: 'Install a version of the plugin made for this contract, or another version of Arkwatch.',
  },
  PLUGIN_INVALID: {
    message: 'plugin {plugin}: {what}',
    help: 'Fix the code of the plugin: docs/plugins.md says what the runtime expects. Restart the process if a reload still shows the old error.',
  },
  PLUGIN_TIMEOUT: {
    message: 'plugin {plugin} did not finish {phase} within {timeoutMs} ms{waits}',
    help: 'Find what the plugin waits for; raise the deadline in definePlugin({ deadlines }) only if the work is bounded.',
  },
  PLUGIN_FAILED: {
    message: 'plugin {plugin} failed in {phase}: {reason}',
    help: 'See the cause. `arkwatch plugins` shows the state of every plugin.',
  },
  PLUGIN_REQUIRED_FAILED: {
    message: 'required plugin {plugin} is {state}: {reason}',
    help: 'Fix the cause, or set `required: false` in its section if the rest may run without it.',
  },
  PLUGIN_SERVICES_MISMATCH: {
    message: 'plugin {plugin} declares the services [{declared}] and returned [{returned}]',
    help: 'Return exactly the keys of `provides` from setup().',
  },
  CONTRIBUTION_REFUSED: {
    message: 'plugin {plugin}: its contribution to {point} is left out: {what}',
    help: 'Correct the value; the type of the extension point says what its fields are. The rest of the plugin runs.',
  },
  PACKAGE_MISSING: {
    message: 'plugin {plugin} needs the package {package}: run `bun add {package}`',
    help: 'Only this plugin needs the package. Restart the process after that: Bun remembers a package that it did not find.',
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    message: 'service {service} is not available{why}',
    help: 'Enable the plugin that provides the service in config.yaml, and check its state with `arkwatch plugins`.',
  },
  SERVICE_DUPLICATE: {
    message: 'service {service} is provided by both {first} and {second}',
    help: 'Disable one of the two plugins.',
  },
  GRAPH_CYCLE: {
    message: 'plugins need each other in a circle: {cycle}',
    help: 'Break the circle with an extension point, or by splitting an api.',
  },
  TIME_INVALID: {
    message: '{call} got {seen}: expected {expected}',
    help: 'Pass a number of milliseconds. A duration of the configuration is parsed by duration() in the schema.',
  },
  STATE_INVALID: {
    message: 'plugin {plugin} cannot go from {from} to {to}',
    help: 'This is a fault in the runtime: please report it.',
  },
  RELOAD_FAILED: {
    message: 'reload failed, the old configuration stays: {reason}',
    help: 'Fix the cause and reload again; `arkwatch plan` shows what a reload would do.',
  },
  RELOAD_NEEDS_RESTART: {
    message: 'a reload cannot change {sections}',
    help: 'Restart Arkwatch to change these settings, or restore the old values and reload.',
  },
  RELOAD_BUSY: {
    status: 409,
    message: 'a reload or shutdown is already in progress, or Arkwatch has stopped',
    help: 'Wait until a reload has ended, and try again; after a shutdown start Arkwatch again.',
  },
  CHANGE_STALE: {
    status: 412,
    message: 'the overlay was changed since: {seen} is not {current}',
    help: 'Read the overlay again, and repeat the change.',
  },
  CHANGE_PENDING: {
    status: 409,
    message: 'the change {id} is waiting for its confirmation',
    help: 'Confirm or roll back that change first.',
  },
  CHANGE_BLOCKS: {
    status: 409,
    message: 'the change takes away a service that the running plugin {plugin} needs, and would be rolled back: {why}',
    help: 'Disable that plugin in the same change, or apply the change without waiting for a confirmation.',
  },
  CHANGE_UNKNOWN: {
    status: 404,
    message: 'no change{which} is waiting for its confirmation{was}',
    help: 'A change waits after `arkwatch config apply --confirm-within`, until it is confirmed or rolled back.',
  },
  CHANGE_NOT_ROLLED_BACK: {
    status: 409,
    message: 'the change {id} is not rolled back yet: {reason}',
    help: 'Fix the cause, then run `arkwatch config rollback`. Arkwatch tries again, too, and at its next start.',
  },
  PLUGIN_NOT_THERE: {
    status: 404,
    message: 'no plugin {plugin} is named by the configuration',
    help: '`arkwatch plugins` lists them.',
  },
  PLUGIN_OFF: {
    status: 409,
    message: 'plugin {plugin} is {state} and cannot be restarted: {reason}',
    help: 'Fix the reason and reload; `arkwatch plugins enable {plugin}` turns on a plugin that has `enabled: false`.',
  },
  SECRET_FILE: {
    message: 'cannot use {file}: {reason}',
    help: 'The file must be a regular file for its owner alone (0600). Restore the file from a backup; without it a new secret is made, and what depends on the old one is lost.',
  },
  WORKER_FAILED: {
    message: '{work} failed: {reason}',
    help: 'The task or the handler of the thread gave the reason. In code, `details.taskCode` is the code of its error.',
  },
  WORKER_TIMEOUT: {
    message: '{work} did not finish within {timeoutMs} ms',
    help: 'Bound the size of the input, or pass a longer timeoutMs.',
  },
  WORKER_QUEUE_FULL: {
    message: '{work} was refused: {limit} are waiting already',
    help: 'Try again later, or raise the limit: `workers.maxQueue` for a task, `maxPending` of `workers.dedicated` for a request.',
  },
  FILE_SYSTEM_HANGS: {
    status: 503,
    message: 'the file system of {path} {reason}',
    help: 'See whether the server of the mount answers, or unmount with `umount -f`. node_filesystem_device_error is 1 for each mount that hangs.',
  },
  WORKER_ENDED: {
    message: 'the thread {worker} ended: {reason}',
    help: 'The log says why. A request in progress may or may not have taken effect; a thread that has been ready is restarted.',
  },
  LISTEN_FAILED: {
    message: 'cannot listen on {host}:{port}: {reason}{holder}',
    help: 'Give the listener an address of this machine and a free port, or stop the program that holds the port.',
  },
  EMBED_OPTIONS_INVALID: {
    message: 'invalid options: {what}',
    help: 'See docs/embedding.md for what arkwatch() and ops.wrap() take.',
  },
  EMBED_PATH_CONFLICT: {
    message: 'cannot answer {exposed}: the application routes {route} itself',
    help: 'Choose another prefix with `at`, leave the name out of `expose`, or rename the route of the application.',
  },
  DATA_IN_USE: {
    message: 'data directory {data} is in use by process {pid}',
    help: 'Give this process a separate `data` directory, or stop the other one. An embedded Arkwatch holds the directory of its service: reach it with --url.',
  },
  DATA_UNUSABLE: {
    message: 'data directory {data} cannot be used: {reason}',
    help: 'Give the user that runs Arkwatch write access to it, or set another `data` directory.',
  },
  DATA_FILE_DAMAGED: {
    message: 'cannot use {file}: {reason}',
    help: 'Something else than Arkwatch changed the file. Restore the file from a backup, or move the file away: {without}.',
  },
  CONTROL_LISTEN_FAILED: {
    message: 'cannot open the control socket {socket}: {reason}',
    help: 'Check the permissions of the data directory, and that its file system supports Unix sockets.',
  },
  CONTROL_BAD_REQUEST: {
    message: 'the control socket refused {command}: {reason}',
    help: 'Nothing was done. A command takes its own arguments only, as a JSON object of at most 1 MiB and 5,000 values by POST to /<command>.',
  },
  CONTROL_UNKNOWN_COMMAND: {
    message: 'the running process has no command {command}; the commands are {known}',
    help: 'Enable the plugin that contributes the command, or update the running process.',
  },
  CONTROL_BUSY: {
    message: 'command {command} runs {limit} times already',
    help: 'Wait until some have ended and try again; restart the plugin that contributes the command if they hang.',
  },
  CONTROL_COMMAND_FAILED: {
    message: 'command {command} failed: {reason}',
    help: 'The log of the running process has the cause.',
  },
  CONTROL_CUT_OFF: {
    message: 'the running process ended before it answered {command}: {reason}',
    help: 'Whether the command took effect is not known. Start the process again, and look with `arkwatch plugins` or `arkwatch config`.',
  },
  CONTROL_TIMEOUT: {
    message: 'the running process did not answer {command} within {timeoutMs} ms',
    help: 'Its main loop may be stuck: see `arkwatch health --live` and its log.',
  },
  NOT_RUNNING: {
    message: 'no running Arkwatch answers on {socket}',
    help: 'Start it with `arkwatch start`, or name its config with -c. After a change of `data` the running process still has the old directory; an embedded one is reached with --url.',
  },
  CONTROL_ABSENT: {
    message: 'process {pid} holds {data} and has no control socket',
    help: 'An embedded Arkwatch has none: reach its plugin admin with --url. A process that has just started opens its socket soon.',
  },
})
