import { expect, test } from 'bun:test'
import { checkNames } from '../../../plugins/admin/guard/patch-names.ts'
import { namesIn } from '../../../plugins/admin/guard/patch-policy.ts'
import { testClock } from '../../../testing/test-clock.ts'

const check = (config: object) => ({ plugins: { health: { checks: { x: config } } } })
const problemOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: { code: string; details: { errors: object[] } }) => [error.code, error.details.errors],
  )

test.each<[string, object, string]>([
  ['tcp', { kind: 'tcp', host: 'inside.example', port: 1 }, '/plugins/health/checks/x/host'],
  ['redis', { kind: 'redis', url: 'redis://u:p@inside.example:6379/0' }, '/plugins/health/checks/x/url'],
  ['postgres', { kind: 'postgres', url: 'postgres://u:p@inside.example/db' }, '/plugins/health/checks/x/url'],
])('a %s check may not be pointed at a name that leads to a metadata service', async (_, config, pointer) => {
  const resolve = async (name: string) => (name === 'inside.example' ? ['192.0.2.1', '169.254.169.254'] : [])
  const detail = 'inside.example leads to 169.254.169.254, which is link-local or a metadata service'
  expect(await problemOf(checkNames(check(config), testClock(), resolve))).toEqual([
    'ADMIN_CONFIG_PROTECTED',
    [{ pointer, detail }],
  ])
})

test('a name that leads elsewhere, that nobody knows, or whose answer is late is let through', async () => {
  const patch = check({ kind: 'tcp', host: 'db.example', port: 1 })
  expect(await problemOf(checkNames(patch, testClock(), async () => ['192.0.2.1']))).toBeUndefined()
  expect(await problemOf(checkNames(patch, testClock(), () => Promise.reject(new Error('ENOTFOUND'))))).toBeUndefined()
  const clock = testClock()
  const late = problemOf(checkNames(patch, clock, () => new Promise(() => {})))
  await clock.advance(2_000)
  expect(await late).toBeUndefined()
})

test('only what names a host is looked up, and at most fifty of them', () => {
  const patch = {
    plugins: { logging: { level: 'warn' }, health: { checks: { x: { kind: 'tcp', host: 'a.example' } } } },
  }
  expect(namesIn(patch)).toEqual([['/plugins/health/checks/x/host', 'a.example']])
  expect(namesIn({ url: 'http://127.0.0.1/', host: '::1', server: '10.0.0.1' })).toEqual([])
  const many = Object.fromEntries(
    Array.from({ length: 80 }, (_, index) => [`c${index}`, { host: `h${index}.example` }]),
  )
  expect(namesIn(many)).toHaveLength(50)
})
