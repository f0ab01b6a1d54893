/**
 * The contract between the runtime and a plugin. Published as `arkwatch/plugin`.
 *
 * The life of a plugin, one instance for each configuration that cannot be taken in place:
 *
 *  1. Config: `config` parses the section. A mistake refuses the boot or the reload, with every other mistake.
 *  2. `unconfigured(config)`: a returned reason makes the plugin `disabled`; nothing below is called.
 *  3. `conflicts(config, context)`, `listens(config)`, `offers(config)`: checks against the whole configuration. Pure,
 *     called often.
 *  4. `setup(context)`: once for each instance, in start order, synchronous. Wires and opens nothing; `needs` are up.
 *     Its parts are read once. It may register undos and contributions; timers belong to `start`.
 *  5. `start()`: opens sockets, files and threads. Deadline 10 s. `context.inherited` is the predecessor's state. A
 *     throw makes the plugin `failed`: `stop('failed')` is called, the undos run, dependents are `blocked`. A plugin
 *     with `required: true` ends the boot. On a reload any throw rolls the whole reload back,
 *     except of a plugin that was `failed` before with the same section.
 *  6. Publication: services and contributions become visible, at boot right after `start`, on a reload all in one turn
 *     (the swap) with routes and hooks.
 *  7. `ready()`: every plugin has started and the listener is open. Deadline 10 s. A throw is handled as in `start`.
 *  8. Running: routes, hooks, timers and contributions are called. An error of one is a fault: counted, logged, and the
 *     plugin is `degraded` for a minute; the process never ends because of a fault. Hooks are synchronous. While a
 *     contribution that its extension point refuses is there, a hook was taken out, or a thread is gone for good, the
 *     plugin stays degraded.
 *  9. `reconfigure(next)`: takes a changed config, within the deadline of `start`. Returns the routes and hooks that
 *     changed. A throw must leave the old config in force. Called again with the old config where a later plugin fails.
 *     After a call that was late, a new instance gets the old config.
 * 10. Replacement, without `reconfigure`, or for a changed service: `handover()` of the old instance suspends
 *     the instance and returns the state; the new one goes through 4 to 7. If `exclusive`, the old one stops before
 *     the new one starts. `resume()` of the handover continues the old instance if the new one fails. `handover`
 *     has the deadline of `stop`, `resume` that of `start`. A plugin that is left suspended, or with the config of the
 *     failed reload, is degraded until it is restored or replaced. The holders of a service of an exclusive plugin hand
 *     over and stop before it.
 * 11. `stop(reason)`: contributions are withdrawn and `context.signal` aborts first: abort every wait and request in
 *     progress by that signal. Deadline 5 s; an instance that is late is left running and reported as hung.
 *     Called once, also where `start` failed or did not run, after a phase in progress. Dependents stop first.
 * 12. Undo: what was opened through the context (timers, workers, contributions, listeners of extensions, `defer`) is
 *     undone, last in first out, exactly once, also after a `setup` or `start` that failed. What is opened later is
 *     undone immediately; `workers` refuse, and a `sleep` never settles.
 *
 * `deadlines` of the definition changes the deadlines of `start`, `ready` and `stop`.
 */
export { z } from 'zod'
export { type EnvironmentOverlay, parseBoolean } from './config/environment.ts'
export { isMap, mergePatch, type Plain } from './config/tree/json-merge-patch.ts'
export { bindHost } from './contract/bind-address.ts'
export * from './contract/clock.ts'
export { didYouMean } from './contract/closest.ts'
export { jsonPointer } from './contract/config-problem.ts'
export * from './contract/definition.ts'
export { ArkwatchError, defineErrors, errorOf, httpStatusOf, messageOf } from './contract/errors.ts'
export { EventLoop, type LoopDelay } from './contract/event-loop.ts'
export { guarded, isThenable } from './contract/foreign/calls.ts'
export { guardListeners } from './contract/foreign/guarded-signal.ts'
export { outsideRequests } from './contract/foreign/outside-requests.ts'
export * from './contract/logger.ts'
export { type PluginState, pluginStates } from './contract/plugin-state.ts'
export { QuantileSketch, SlidingSketch } from './contract/quantile-sketch.ts'
export { createRedactor, type RedactOptions, type Redactor, redacted, redactName } from './contract/redact/redactor.ts'
export { isPortWithPath, maskPasswords, secretsInUrl } from './contract/redact/url-passwords.ts'
export type { RequestHooks, RequestScope, Route } from './contract/request-hooks.ts'
export {
  type AppliedChange,
  type CommandAuditor,
  type ConfigChanges,
  type ControlCommand,
  type ControlWitness,
  commandAuditor,
  controlCommand,
  controlWitness,
  type Listener,
  type ListenOptions,
  type PlanStep,
  type PluginStatus,
  type RollbackSignal,
  Runtime,
  type RuntimeStatus,
  rollbackSignals,
  type Trouble,
  troubles,
} from './contract/runtime-api.ts'
export { secret } from './contract/secret.ts'
export * from './contract/tasks.ts'
export {
  type Contributed,
  type Contribution,
  type Extensions,
  extensionPoint,
  type Holder,
  type PerHolder,
  type PointRules,
  perHolder,
  type ServiceToken,
  service,
} from './contract/tokens.ts'
export { duration, parseDuration, size } from './contract/units.ts'
export { headAsGet } from './http/head.ts'
export { type JsonLimits, jsonExcess } from './http/json-limits.ts'
export { hostIn, isLinkLocal } from './http/link-local.ts'
export { type Problem, problemResponse, problemTitle } from './http/problem.ts'
export { type CertificateRead, readCertificate } from './process/certificate.ts'
export { monotonicOrigin, processStartMs, systemClock, yieldToLoop } from './process/clock.ts'
export { withDeadline } from './process/deadline.ts'
export { readDataFile } from './process/files/data-file.ts'
export { readOrMakeSecret, readSecretFile } from './process/files/secret-file.ts'
export { readInTurn } from './process/files/turns.ts'
export { fallbackSink, loggerFile } from './process/log.ts'
export { createLogLine } from './process/log-line.ts'
export { type Mount, parseMounts, type StatFs, unescapeMount } from './process/stat-fs/mounts.ts'
export { endStatFsThread, mayHang, statFs } from './process/stat-fs/stat-fs.ts'
export { requestIdOf, traceIdOf } from './requests/request-identity.ts'
export { currentRequest } from './requests/request-scope.ts'
export { createRouteMatcher, type RouteMatcher } from './requests/routes/route-matcher.ts'
export { version } from './version.ts'
