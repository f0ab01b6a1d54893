/** What the tests of health share: specifications of checks, an engine on a test clock, a log that is kept. */

import type { PluginClock } from '../../../core/contract/definition.ts'
import type { LogRecord } from '../../../core/contract/logger.ts'
import { LogHub } from '../../../core/process/log.ts'
import type { CheckResult } from '../../../plugins/health/api.ts'
import type { CheckSpec, Probe } from '../../../plugins/health/checks/check.ts'
import { HealthEngine } from '../../../plugins/health/engine.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { recordingSink } from '../../../testing/test-runtime.ts'

type Run = (signal: AbortSignal) => CheckResult | Promise<CheckResult>

/** A check of 10 s with a timeout of 2 s. */
export const spec = (name: string, run: Run, changes: Partial<CheckSpec> & { close?: () => void } = {}): CheckSpec => {
  const { close = () => {}, ...rest } = changes
  return {
    name,
    kind: 'custom',
    plugin: undefined,
    everyMs: 10_000,
    timeoutMs: 2_000,
    initialDelayMs: 0,
    critical: false,
    groups: [],
    dependsOn: [],
    policy: { failureThreshold: 1, successThreshold: 1, startupGraceMs: 0, staleAfterMs: 32_000 },
    degradedAboveMs: undefined,
    target: name,
    secrets: [],
    open: (): Probe => ({ run, close }),
    ...rest,
  }
}

export const up: Run = () => ({ status: 'up' })
export const down: Run = () => ({ status: 'down', message: 'refused' })
/** Never ends, whatever the signal says. */
export const hung: Run = () => new Promise(() => {})

export function engineOf(specs: readonly CheckSpec[], settings = { maxConcurrent: 64, jitter: 0 }) {
  const clock = testClock()
  const lines: LogRecord[] = []
  const log = new LogHub(clock, recordingSink(lines)).logger('health')
  const tools = {
    eventLoop: { delay: () => ({ minMs: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 }) },
    load: async () => ({}) as never,
    now: clock.now,
    monotonic: clock.monotonic,
  }
  const engine = new HealthEngine({ clock: clock as PluginClock, log, tools, settings, isPaused: () => false })
  engine.set(specs, [])
  const check = (name: string) => engine.checks().find((one) => one.name === name)!
  return { clock, engine, lines, check, tools, log }
}
