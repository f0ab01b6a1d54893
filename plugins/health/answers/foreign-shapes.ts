/** PURE. The report as Spring Boot Actuator and as @nestjs/terminus write it, for tools that read these shapes. */
import type { CheckReport } from '../api.ts'
import { isHealthy, overallStatus } from '../checks/dependencies.ts'
import { errorOf, type ReportInput } from './report.ts'

/** The media type that requests each shape. */
export const foreignTypes = {
  actuator: 'application/vnd.spring-boot.actuator.v3+json',
  terminus: 'application/vnd.nestjs.terminus+json',
} as const
export type ForeignShape = keyof typeof foreignTypes

/** @param accept the header @returns the shape that is named first, if any */
export function foreignShape(accept: string): ForeignShape | undefined {
  const named = (Object.keys(foreignTypes) as ForeignShape[])
    .map((shape) => ({ shape, at: accept.indexOf(foreignTypes[shape]) }))
    .filter(({ at }) => at >= 0)
    .toSorted((a, b) => a.at - b.at)
  return named[0]?.shape
}

/** Spring Boot has no status between up and down: a degraded check is UP with `degraded` in its details. */
const actuatorStatus = { up: 'UP', degraded: 'UP', down: 'DOWN', unknown: 'UNKNOWN' } as const

const actuatorDetails = (check: CheckReport, details: boolean, error = errorOf(check, details)) => ({
  ...(check.status === 'degraded' && { degraded: true }),
  ...(check.parent !== undefined && { parent: check.parent }),
  ...(error !== undefined && { error }),
  ...(details && check.details),
})

/** DOWN only when a critical check is. @see https://docs.spring.io/spring-boot/api/rest/actuator/health.html */
export function actuatorJson({ checks, details }: ReportInput, isStopping: boolean) {
  const overall = overallStatus(checks)
  const status = overall === 'down' ? 'DOWN' : isStopping ? 'OUT_OF_SERVICE' : 'UP'
  const components = checks.map((check) => {
    const shown = actuatorDetails(check, details)
    const status = actuatorStatus[check.status]
    return [check.name, { status, ...(Object.keys(shown).length > 0 && { details: shown }) }] as const
  })
  return { status, components: Object.fromEntries(components) }
}

/** Healthy checks in `info`, others in `error`. @see https://docs.nestjs.com/recipes/terminus */
export function terminusJson({ checks, details }: ReportInput, isStopping: boolean) {
  const indicator = (check: CheckReport, message = errorOf(check, details)) => ({
    status: isHealthy(check.status) ? 'up' : 'down',
    ...(message !== undefined && { message }),
    ...(details && check.details),
  })
  const entries = checks.map((check) => [check.name, indicator(check)] as const)
  return {
    status: isStopping ? 'shutting_down' : overallStatus(checks) === 'down' ? 'error' : 'ok',
    info: Object.fromEntries(entries.filter(([, { status }]) => status === 'up')),
    error: Object.fromEntries(entries.filter(([, { status }]) => status === 'down')),
    details: Object.fromEntries(entries),
  }
}
