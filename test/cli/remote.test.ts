import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { type CommandFolder, commandFolder, commandTimeoutMs } from './arkwatch-command.ts'

setDefaultTimeout(commandTimeoutMs)

const key = 'Kx7-correct-horse-battery-staple-9'
const here = commandFolder({ ADMIN_API_KEY: key })
let there: CommandFolder
let url = ''

beforeAll(async () => {
  await here.write(
    'config.yaml',
    'server: { port: 0 }\ndata: ./data\nplugins: { logging: , metrics: , store: , audit: , admin: }\n',
  )
  const output = await here.start('start', '--no-watch').seen(/listens on http:\S+/)
  url = /listens on (http:\/\/[\d.:]+)/.exec(output)![1]!
  there = commandFolder({ ARKWATCH_URL: url, ARKWATCH_KEY: key })
})
afterAll(async () => {
  await here[Symbol.asyncDispose]()
  await there[Symbol.asyncDispose]()
})

test('plugins, configuration, logs and levels of an instance elsewhere', async () => {
  expect((await there.run('plugins')).stdout).toMatch(/admin +1\.0\.0 +ok/)
  expect((await there.run('plugins', 'restart', 'metrics')).stdout).toMatch(/metrics +replace +lost +restart/)
  expect((await there.run('plugins', 'disable', 'metrics')).stdout).toMatch(/metrics +remove/)
  expect((await there.run('plugins', 'enable', 'metrics')).stdout).toMatch(/metrics +add/)
  await there.write('patch.yaml', 'plugins: { metrics: { path: /m } }\n')
  expect((await there.run('config', 'plan', 'patch.yaml')).stdout).toMatch(/metrics +reconfigure/)
  expect((await there.run('config', 'apply', 'patch.yaml', '--confirm-within', '60s')).stdout).toContain(
    'taken back in 60s',
  )
  expect((await there.run('config', 'rollback')).stdout).toContain('rolled-back')
  await there.run('config', 'apply', 'patch.yaml', '--confirm-within', '60s')
  expect((await there.run('config', 'confirm')).stdout).toContain('confirmed')
  expect((await there.run('config')).stdout).toMatch(/plugins\.metrics\.path +\/m +data\/overlay\.yaml/)
  expect((await there.run('plan')).stdout).toContain('nothing')
  expect((await there.run('logs', 'level', 'metrics', 'warn', '--for', '1m')).stdout).toMatch(/metrics +warn +warn +20/)
  expect((await there.run('logs', '-n', '5', '--logger', 'core')).stdout).toContain('"logger":"core"')
  expect((await there.run('logs', 'recent', '-n', '5')).stdout.trim().split('\n')).toHaveLength(5)
})

test('keys, jobs and the audit log of an instance elsewhere, and of this machine', async () => {
  const made = await there.run('keys', 'create', 'grafana', '--role', 'viewer', '--expires', '90d')
  expect(made.stdout).toMatch(/^ark_[0-9a-f]{12}_[\w-]{43}\n$/)
  const id = made.stdout.split('_')[1]!
  expect((await there.run('keys', 'list')).stdout).toMatch(new RegExp(`${id} +grafana +viewer`))
  const viewer = commandFolder({ ARKWATCH_URL: url, ARKWATCH_KEY: made.stdout.trim() })
  expect((await viewer.run('plugins')).exitCode).toBe(0)
  expect((await viewer.run('keys', 'list')).stderr).toContain('ADMIN_FORBIDDEN')
  await viewer[Symbol.asyncDispose]()
  expect((await there.run('keys', 'revoke', id)).stdout).toContain('no longer valid')
  const local = await here.run('keys', 'create', 'local', '--role', 'operator')
  expect((await here.run('keys', 'list')).stdout).toContain('local')
  expect((await here.run('keys', 'revoke', local.stdout.split('_')[1]!)).exitCode).toBe(0)
  expect((await here.run('keys', 'create', 'x', '--role', 'king')).stderr).toContain('ADMIN_INVALID')
  expect((await here.run('keys', 'create', 'x', '--expires', 'soon')).exitCode).toBe(64)
  expect((await there.run('jobs')).exitCode).toBe(0)
  expect((await there.run('jobs', 'nothing')).stderr).toContain('ADMIN_NOT_FOUND')
  expect((await here.run('jobs')).exitCode).toBe(0)
  expect((await there.run('audit', 'verify')).stdout).toContain('ok: ')
  expect((await there.run('audit', 'tail', '-n', '500')).stdout).toContain('keys.create')
  await there.write('audit.jsonl', (await there.run('audit', 'export')).stdout)
  expect((await there.run('audit', 'verify', '--file', 'audit.jsonl')).exitCode).toBe(0)
})

test('what is wrong is said, and the key is never shown', async () => {
  const nobody = commandFolder({ ARKWATCH_URL: url })
  expect((await nobody.run('plugins')).stderr).toContain('CLI_REMOTE_KEY')
  await nobody[Symbol.asyncDispose]()
  const wrong = commandFolder({ ARKWATCH_URL: url, ARKWATCH_KEY: 'wrong-key-CANARY' })
  const refused = await wrong.run('plugins')
  expect(refused.stderr).toContain('ADMIN_UNAUTHORIZED')
  expect(refused.stderr + refused.stdout).not.toContain('CANARY')
  const away = await wrong.run('plugins', '--url', 'http://127.0.0.1:1')
  expect([away.exitCode, away.stderr.includes('CLI_REMOTE_UNREACHABLE')]).toEqual([69, true])
  expect((await wrong.run('plugins', '--url', 'ftp://x')).exitCode).toBe(64)
  await wrong[Symbol.asyncDispose]()
  expect((await there.run('health')).stderr).toContain('CLI_REMOTE_COMMAND')
})
