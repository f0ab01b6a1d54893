/** The text of a new config.yaml. Pure. It holds no secret: URLs are references to variables. */
import type { Finding } from './survey.ts'

interface RenderOptions {
  readonly findings: readonly Finding[]
  /** Free ports of this machine. */
  readonly port: number
  readonly watchdogPort: number
  /** Path of config.schema.json, relative to the file. */
  readonly schema?: string
}

function remark({ title, host, port, variable, named, answer }: Finding): string {
  if (named) return `${title}, as ${variable} names it${answer ? '' : '; it did not answer when this file was written'}`
  if (answer?.open) return `${title} answers on ${host}:${port} without a password; ${variable} names another one`
  return `${title} answers on ${host}:${port}: set ${variable} to check it with a query; off while that is empty`
}

function check(finding: Finding): string {
  const { name, kind, host, port, variable, named, answer } = finding
  const standard = !named && answer?.open ? `${kind}://${host}:${port}` : ''
  // A server without credentials can be checked by its port at least.
  const portCheck = `
      ${name}_port:
        kind: tcp
        host: ${host}
        port: ${port}
        every: 15s`
  return `
      # ${remark(finding)}.
      ${name}:
        kind: ${kind}
        url: "\${env:${variable}:-${standard}}"
        every: 10s
        critical: true${named || answer?.open ? '' : portCheck}`
}

/** @returns the whole file */
export function renderConfig({ findings, port, watchdogPort, schema }: RenderOptions): string {
  return `${schema === undefined ? '' : `# yaml-language-server: $schema=${schema}\n`}\
# Written by \`arkwatch init\`. \`arkwatch check\` checks it, \`arkwatch config\` shows every value in force.

server: # the public listener: /metrics and the health endpoints
  host: 127.0.0.1
  port: ${port}

data: ./data # everything that Arkwatch keeps

plugins:
  logging:
    level: info
  metrics: {}
  health:
    checks:${findings.map(check).join('') || ' {}'}
    watchdog:
      port: ${watchdogPort} # answers /livez even when the main loop is stuck
`
}
