/** What an exit code of `arkwatch` means. Documented in docs/cli.md. */
import { ArkwatchError } from './contract/errors.ts'

/** `negative`: the answer is no. `hung`: a plugin did not stop in time; it is named. */
export const exitCodes = { ok: 0, negative: 1, usage: 64, notRunning: 69, internal: 70, hung: 75, config: 78 } as const

/** Plugins did not stop within two seconds of a second signal, or a third one came: 128 + SIGTERM, as in a shell. */
export const forcedExitCode = 143

const byCode: Readonly<Record<string, number>> = {
  CONFIG_INVALID: exitCodes.config,
  GRAPH_CYCLE: exitCodes.config,
  SERVICE_DUPLICATE: exitCodes.config,
  PLUGIN_API_MISMATCH: exitCodes.config,
  PLUGIN_INVALID: exitCodes.config,
  CLI_USAGE: exitCodes.usage,
  NOT_RUNNING: exitCodes.notRunning,
  CONTROL_ABSENT: exitCodes.notRunning,
  CONTROL_CUT_OFF: exitCodes.notRunning,
  CLI_REMOTE_UNREACHABLE: exitCodes.notRunning,
  CLI_REMOTE_KEY: exitCodes.usage,
  CLI_REMOTE_COMMAND: exitCodes.usage,
  CONTROL_COMMAND_FAILED: exitCodes.internal,
}

/** @returns the exit code for what was thrown: `internal` for anything but an ArkwatchError */
export const exitCodeOf = (thrown: unknown): number =>
  thrown instanceof ArkwatchError ? (byCode[thrown.code] ?? exitCodes.negative) : exitCodes.internal
