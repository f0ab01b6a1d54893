/** `arkwatch dev`: a process that supervises `arkwatch start`. Code is loaded once a process, hence the restart. */
import { join } from 'node:path'
import { watchFiles } from '../../core/config/watch.ts'
import { exitCodes } from '../../core/exit-codes.ts'
import { systemClock } from '../../core/process/clock.ts'
import { LogHub } from '../../core/process/log.ts'
import type { Command } from '../cli.ts'
import { supervise } from '../dev/supervisor.ts'
import { watchedFiles } from '../dev/watched-files.ts'

/** Longer than the drain and the deadlines of most plugins. */
const stopMs = 20_000
const entry = join(import.meta.dir, '../arkwatch.ts')

export const dev: Command = async (cli) => {
  const say = (event: string, text: string, more: object = {}) =>
    cli.json ? cli.print(JSON.stringify({ event, ...more })) : cli.warn(`dev: ${text}`)
  const supervisor = supervise({
    spawn: () =>
      Bun.spawn([process.execPath, entry, 'start', '--no-watch', '-c', cli.configFile], {
        cwd: cli.cwd,
        env: cli.env as Record<string, string>,
        stdio: ['ignore', 'inherit', 'inherit'],
      }),
    clock: systemClock,
    stopMs,
    ended: (exitCode) => say('ended', `the process ended with ${exitCode}; waiting for a change`, { exitCode }),
  })
  const log = new LogHub(systemClock).logger('dev')
  const changed = () => {
    say('restart', 'a file changed: restarting')
    void supervisor.restart()
  }
  const unwatch = watchFiles(() => watchedFiles(cli), systemClock, log, changed)
  say('watching', `watching ${watchedFiles(cli).length} files`, { files: watchedFiles(cli) })

  const done = Promise.withResolvers<number>()
  let asked = 0
  const onSignal = (signal: NodeJS.Signals) => {
    asked += 1
    if (asked > 1) void supervisor.stop('SIGKILL')
    // Ctrl-C reaches the child from the terminal: a second signal would cut its drain off.
    const forward = signal === 'SIGINT' && process.stdin.isTTY ? undefined : signal
    void supervisor.stop(forward).then(() => done.resolve(exitCodes.ok))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const exitCode = await done.promise
  unwatch()
  return exitCode
}
