import { expect, test } from 'bun:test'
import { systemClock } from '../../../core/process/clock.ts'
import { runCommand } from '../../../plugins/admin/run-command.ts'

const run = async (script: string, timeout: number) => {
  let output = ''
  const command = { command: ['sh', '-c', script], timeout }
  const outcome = await runCommand('s', command, systemClock, (text) => {
    output = text
  }).then(
    () => 'ok',
    ({ message }) => message as string,
  )
  return { outcome, output }
}
const isAlive = (pid: string) => {
  try {
    return process.kill(Number(pid), 0)
  } catch {
    return false
  }
}

test('the time limit ends a command with what it started, and the output until then is kept', async () => {
  const { outcome, output } = await run('sleep 300 & echo $!; echo $$; sleep 301; true', 300)
  expect(outcome).toBe('the command of s did not end within 300 ms and was killed')
  const pids = output.trim().split('\n')
  expect(pids).toHaveLength(2)
  while (pids.some(isAlive)) await systemClock.sleep(5)
})

test('a daemon that keeps the output open after the end of the command is not waited for, and lives', async () => {
  const { outcome, output } = await run('sleep 300 & echo $!; echo to >&2; exit 0', 60_000)
  expect(outcome).toBe('ok')
  const [pid = '', rest] = output.split('\n')
  expect([rest, isAlive(pid)]).toEqual(['to', true])
  process.kill(Number(pid), 'SIGKILL')
})

test('a command that fails is named with its code', async () => {
  expect(await run('echo no; exit 3', 60_000)).toEqual({ outcome: 'the command of s ended with 3', output: 'no\n' })
})
