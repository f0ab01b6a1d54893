/** The contract between the runtime and a plugin. Published as `arkwatch/plugin`. */
export { z } from 'zod'
export { type EnvironmentOverlay, parseBoolean } from './config/environment.ts'
export { isMap, mergePatch, type Plain } from './config/tree/merge-patch.ts'
export type { Cancel, Clock, EveryOptions } from './contract/clock.ts'
export { didYouMean } from './contract/closest.ts'
export { jsonPointer } from './contract/config-problem.ts'
export {
  type AnyPlugin,
  type Catalog,
  type ConfigContext,
  type Conflict,
  contractApi,
  definePlugin,
  type Environment,
  type Handover,
  type House,
  type PluginClock,
  type PluginContext,
  type PluginDefinition,
  type PluginParts,
  type RequestParts,
  type RunState,
  type StopReason,
} from './contract/definition.ts'
export { ArkwatchError, defineErrors, httpStatusOf, messageOf } from './contract/errors.ts'
export { EventLoop, type LoopDelay } from './contract/event-loop.ts'
export {
  type Level,
  type LogFields,
  type Logger,
  type LogRecord,
  type LogSink,
  levels,
  logSink,
} from './contract/logger.ts'
export { type PluginState, pluginStates } from './contract/plugin-state.ts'
export { QuantileSketch, SlidingSketch } from './contract/quantile-sketch.ts'
export { isPortWithPath, maskPasswords, redacted, secretsInUrl } from './contract/redact.ts'
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
export {
  type DedicatedOptions,
  type DedicatedWorker,
  type Failure,
  type Job,
  type JobResult,
  job,
  type RequestOptions,
  type RunOptions,
  type Task,
  type TaskContext,
  type TaskResult,
  task,
  type Workers,
} from './contract/tasks.ts'
export {
  type Contributed,
  type Contribution,
  type Extensions,
  extensionPoint,
  type ServiceToken,
  service,
} from './contract/tokens.ts'
export { duration, parseDuration, size } from './contract/units.ts'
export { hostIn, isLinkLocal } from './http/link-local.ts'
export { type Problem, problemResponse, problemTitle } from './http/problem.ts'
export { monotonicOrigin, processStartMs, systemClock, yieldToLoop } from './process/clock.ts'
export { withDeadline } from './process/deadline.ts'
export { fallbackSink, loggerFile } from './process/log.ts'
export { readOrMakeSecret, readSecretFile } from './process/secret-file.ts'
export { currentRequest } from './requests/current-request.ts'
export { requestIdOf, traceIdOf } from './requests/request-identity.ts'
export { createRouteMatcher, type RouteMatcher } from './requests/routes/route-matcher.ts'
export { version } from './version.ts'
