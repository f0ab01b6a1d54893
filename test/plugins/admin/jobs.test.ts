import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { ArkwatchError, definePlugin, systemClock } from '../../../core/plugin.ts'
import { type AdminEnv, adminRoutes, type JobContext, operation } from '../../../plugins/admin/api.ts'
import { JobSchema } from '../../../plugins/admin/routes/jobs.ts'
import { runCommand } from '../../../plugins/admin/run-command.ts'
import { endlessValues } from '../../support/hostile.ts'
import { type AdminRuntime, bootAdmin } from './support.ts'

// A thread is started, and jobs end when they are written.
setDefaultTimeout(60_000)

const circle: Record<string, unknown> = {}
circle.self = circle
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()
const throwing = (thrown: unknown) => () => {
  throw thrown
}
const isDone = (result: unknown) => ({ state: 'done', progress: 1, result, error: null })
const fault = { state: 'failed', progress: 0, result: null, error: expect.objectContaining({ code: 'INTERNAL' }) }
const tooLarge = { state: 'failed', error: expect.objectContaining({ code: 'RESULT_TOO_LARGE' }) }

/** What a job may do, and what is shown of it afterwards. */
const table: Readonly<Record<string, readonly [run: (job: JobContext) => unknown, shown: object]>> = {
  nothing: [() => undefined, isDone(null)],
  'a-number': [() => 5, isDone(null)],
  'a-result': [() => ({ result: { n: 1 } }), isDone({ n: 1 })],
  'a-function': [() => ({ result: () => 1 }), isDone(null)],
  'a-bigint': [() => ({ result: 1n }), fault],
  'a-circle': [() => ({ result: circle }), fault],
  'a-revoked-proxy': [() => ({ result: revoked }), fault],
  'a-file-with-a-bigint': [() => ({ file: { path: '/x', size: 1n } }), fault],
  'a-large-result': [() => ({ result: 'x'.repeat(65_536) }), tooLarge],
  'a-result-large-in-bytes': [() => ({ result: '€'.repeat(30_000) }), tooLarge],
  throws: [throwing(new Error('broken')), fault],
  'throws-null': [throwing(null), fault],
  'throws-a-revoked-proxy': [throwing(revoked), fault],
  'throws-without-prototype': [throwing(Object.create(null)), fault],
  rejects: [() => Promise.reject(undefined), fault],
  'fails-half-way': [
    async ({ progress }) => {
      progress(0.25, 'step 3')
      throw new Error('broken')
    },
    { state: 'failed', progress: 0.25, note: 'step 3' },
  ],
  'notes-a-secret': [
    async ({ progress }) => {
      progress(0.5, 'reading postgres://app:hunter2@db/x')
      throw new ArkwatchError('STORE_UNAVAILABLE', 'no postgres://app:hunter2@db/x', '')
    },
    {
      note: 'reading postgres://app:[redacted]@db/x',
      error: { code: 'STORE_UNAVAILABLE', message: 'no postgres://app:[redacted]@db/x' },
    },
  ],
  'tells-no-number': [
    async ({ progress }) => {
      progress(Number.NaN, 'somewhere')
      throw new Error('broken')
    },
    { state: 'failed', progress: 0, note: 'somewhere' },
  ],
  'is-cancelled': [
    ({ progress, signal }) => {
      progress(0.5, 'waiting')
      signal.addEventListener('abort', throwing(new Error('in the listener')))
      return new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    { state: 'cancelled', progress: 0.5, note: 'waiting', error: null },
  ],
  ...Object.fromEntries(
    Object.entries(endlessValues).map(([name, make]) => [
      `is-cancelled-and-gives-${name.replaceAll(' ', '-')}`,
      [make, { state: 'cancelled', error: { code: 'ADMIN_JOB_IGNORES_SIGNAL' } }],
    ]),
  ),
}

const odd = definePlugin({
  api: 1,
  name: 'odd',
  version: '1.0.0',
  summary: 'Starts odd jobs.',
  config: z.strictObject({}),
  setup() {
    const app = new OpenAPIHono<AdminEnv>()
    app.openapi(
      createRoute({
        ...operation({ id: 'odd.start', access: 'operator', summary: 'Starts a job.' }),
        method: 'post',
        path: '/{what}',
        request: { params: z.object({ what: z.string() }) },
        responses: { 202: { description: 'It runs.', content: { 'application/json': { schema: JobSchema } } } },
      }),
      (c) => c.var.startJob('odd', table[c.req.valid('param').what]![0] as never) as never,
    )
    return { contributes: [adminRoutes({ path: '/admin/odd', app: () => app })] }
  },
})

let at: AdminRuntime
beforeAll(async () => {
  at = await bootAdmin({ plugins: [odd], config: { plugins: { odd: {} } } })
})
afterAll(() => at.stop())

test.each(Object.keys(table))('a job that gives, throws or does what is odd ends and is kept: %s', async (what) => {
  const { id } = await at.get(`/admin/odd/${what}`, { method: 'POST' })
  if (what.startsWith('is-cancelled')) await at.send(`/admin/jobs/${id}`, { method: 'DELETE' })
  let shown = await at.get(`/admin/jobs/${id}`)
  while ((shown.state as unknown) === 'running') shown = await at.get(`/admin/jobs/${id}`)
  expect(shown).toMatchObject(table[what]![1])
  // The table has it once the job is no longer held in memory.
  while (!(await (await at.send('/metrics', { key: null })).text()).includes('arkwatch_admin_jobs_running 0'));
  expect(await at.get(`/admin/jobs/${id}`)).toMatchObject(table[what]![1])
})

test('a job that ignores its signal is charged to its plugin, also where admin stops, which it does not hold up', async () => {
  const errors = () => at.runtime.status().plugins.find(({ name }) => name === 'odd')!.errors
  const before = errors()
  await at.get('/admin/odd/is-cancelled-and-gives-a-promise-that-never-settles', { method: 'POST' })
  await at.runtime.restart('admin')
  expect(errors()).toBe(before + 1)
  const admin = at.runtime.status().plugins.find(({ name }) => name === 'admin')!
  expect([admin.state, admin.errors]).toEqual(['ok', 0])
})

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
