import { z } from 'zod'
import { bindHost, duration } from '../../core/plugin.ts'
import { CheckConfig, checkName } from './check-config.ts'
import { orderChecks, type Parents } from './checks/dependencies.ts'

const Watchdog = z.strictObject({
  port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('Port of the watchdog’s own listener; unset: no watchdog. 0: any free port.'),
  host: bindHost().default('127.0.0.1').describe('Address of the watchdog’s listener.'),
  stuckAfter: duration({ min: '500ms' }).prefault('15s').describe('Duration of a stall from which on liveness fails.'),
  reportAfter: duration({ min: '500ms' })
    .prefault('1s')
    .describe('Duration of a stall from which on the stall is logged and counted.'),
})

/** @returns the names in `dependsOn` of each check */
export const parentsOf = ({ checks }: { readonly checks: Readonly<Record<string, CheckConfig>> }): Parents =>
  new Map(Object.entries(checks).map(([name, check]) => [name, check.dependsOn]))

export const HealthConfig = z
  .strictObject({
    checks: z
      .record(checkName(), CheckConfig)
      .default({})
      .refine((checks) => Object.keys(checks).length <= 1_000, 'expected at most 1000 checks')
      .superRefine((checks, context) => {
        const { cycle } = orderChecks(parentsOf({ checks }))
        if (cycle !== undefined) {
          context.addIssue({
            code: 'custom',
            path: [cycle[0]!, 'dependsOn'],
            message: `checks depend on each other in a circle: ${cycle.join(' -> ')}`,
          })
        }
      })
      .describe('Checks by name.'),
    ready: z
      .enum(['auto', 'group', 'critical'])
      .default('auto')
      .describe(
        'Checks that `/readyz` covers besides required plugins: `group`, the checks in group `ready`; `critical`, also the critical checks; `auto`, the group, or, while the group is empty, the critical checks when embedded and none when standalone.',
      ),
    details: z
      .enum(['auto', 'always', 'never'])
      .default('auto')
      .describe(
        'Whether public answers hold errors and measured details; `auto`: only while there are listeners, all of them on loopback.',
      ),
    maxConcurrent: z.int().min(1).max(1_000).default(64).describe('Checks that may run at one time.'),
    jitter: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.1)
      .describe('Largest share by which periods are shortened at random, so that runs are spread.'),
    startupGrace: duration({ max: '1h' })
      .prefault('0')
      .describe('Time after the start in which failures leave a check unknown that was never up.'),
    watchdog: Watchdog.prefault({}).describe(
      'Liveness from a worker thread, correct also when the main loop is stuck.',
    ),
  })
  .describe('Health checks and probes.')
export type HealthConfig = z.output<typeof HealthConfig>
export type WatchdogConfig = HealthConfig['watchdog']
