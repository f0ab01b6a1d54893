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
    'rolled back in 60s',
  )
  expect((await there.run('config', 'rollback')).stdout).toContain('rolled-back')
  await there.run('config', 'apply', 'patch.yaml', '--confirm-within', '60s')
  expect((await there.run('config', 'confirm')).stdout).toContain('confirmed')
  expect((await there.run('config')).stdout).toMatch(/plugins\.metrics\.path +\/m +data\/overlay\.yaml/)
  expect((await there.run('plan')).stdout).toContain('nothing')
  for (const at of [here, there])
    expect((await at.run('config', 'confirm')).stderr).toContain(
      'no change is waiting for its confirmation [CHANGE_UNKNOWN]',
    )
  expect((await there.run('logs', 'level', 'metrics', 'warn', '--for', '1m')).stdout).toMatch(/metrics +warn +warn +20/)
  for (const at of [here, there]) {
    expect((await at.run('logs', 'level', 'metrics', 'info')).stdout.trim().split('\n')).toHaveLength(2)
    expect((await at.run('logs', 'level', 'metrics', 'warn', '--for', 'soon')).exitCode).toBe(64)
    expect((await at.run('logs', 'level', 'metrics', 'warn', '--for', '5')).stderr).toContain('got "5"')
  }
  expect((await here.run('logs', '--level', 'loud')).stderr).toContain('/level: expected "trace", ')
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
  const refusals = [here, there].map((at) => at.run('keys', 'create', 'x', '--role', 'king'))
  for (const { stderr } of await Promise.all(refusals))
    expect(stderr).toMatch(/\/?role: \w.*\[CONTROL_BAD_REQUEST\]\n {2}Nothing|\[ADMIN_INVALID\]\n {2}\/?role: \w/)
  const json = JSON.parse((await here.run('keys', 'create', 'x', '--role', 'king', '--json')).stdout)
  expect(json.error.errors).toEqual([expect.objectContaining({ detail: expect.any(String) })])
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

test('each command takes --url, answers JSON to --json, and has its key from the environment alone', async () => {
  const away = commandFolder({ ARKWATCH_KEY: key })
  await away.write('patch.yaml', 'plugins: { metrics: { labels: { region: eu } } }\n')
  const json = async (...argv: string[]) => {
    const ran = await away.run(...argv, '--url', url, '--json')
    expect([argv.join(' '), ran.exitCode, ran.stderr]).toEqual([argv.join(' '), 0, ''])
    return JSON.parse(ran.stdout) as Record<string, never>
  }
  expect(await json('plugins', 'restart', 'metrics')).toMatchObject({ steps: expect.any(Array) } as never)
  expect(await json('config', 'plan', 'patch.yaml')).toMatchObject({
    steps: expect.arrayContaining([
      { plugin: 'metrics', action: 'reconfigure', state: 'kept', reason: 'config changed' },
    ]),
  } as never)
  expect(await json('config', 'apply', 'patch.yaml', '--confirm-within', '60s')).toMatchObject({
    state: 'awaiting-confirmation',
  } as never)
  expect(await json('config', 'rollback')).toMatchObject({ state: 'rolled-back' } as never)
  await json('config', 'apply', 'patch.yaml', '--confirm-within', '60s')
  expect(await json('config', 'confirm')).toMatchObject({ state: 'confirmed' } as never)
  expect(Object.keys(await json('config'))).toEqual(['origin', 'config', 'sources'])
  expect(await json('logs', 'level', 'x', 'warn')).toBeDefined()
  const made = (await json('keys', 'create', 'json', '--role', 'viewer')) as never as { key: string }
  expect(made.key).toStartWith('ark_')
  expect(await json('keys', 'list')).toMatchObject({ keys: expect.any(Array) } as never)
  await json('keys', 'revoke', made.key.split('_')[1]!)
  expect(await json('jobs')).toMatchObject({ jobs: [] } as never)
  expect(await json('audit', 'tail')).toMatchObject({ records: expect.any(Array) } as never)
  expect(await json('audit', 'verify')).toMatchObject({ ok: true } as never)
  // There is no way to put a key on a command line, where every user of the machine sees it.
  for (const command of [['plugins'], ['keys', 'list'], ['audit', 'tail'], ['config', 'apply', 'patch.yaml']])
    expect((await away.run(...command, '--url', url, '--admin-key', key)).exitCode).toBe(64)
  const refused = await away.run('config', 'apply', 'evil.yaml', '--url', url, '--json')
  expect(refused.exitCode).toBe(64)
  await away.write('evil.yaml', 'plugins: { audit: { enabled: false } }\n')
  expect((await away.run('config', 'apply', 'evil.yaml', '--url', url)).stderr).toContain('ADMIN_CONFIG_PROTECTED')
  await away[Symbol.asyncDispose]()
})

const occurrences = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0

test('lines are followed from elsewhere over one stream, each once, also while the API is restarted', async () => {
  const following = there.start('logs', '-f', '-n', '1', '--logger', 'core')
  await following.seen(/"message"/)
  const before = Number((await there.run('audit', 'tail', '-n', '1')).stdout.split(' ')[0])
  await there.run('logs', 'level', 'followed', 'warn')
  // The stream ends with the API that serves it, and is opened again.
  await there.run('plugins', 'restart', 'admin')
  await there.run('plugins', 'disable', 'metrics')
  await there.run('plugins', 'enable', 'metrics')
  const output = await following.seen(/"action":"add"/)
  expect(occurrences(output, /a plugin was restarted/g)).toBe(1)
  expect(occurrences(output, /"action":"remove"/g)).toBe(1)
  expect(before).toBeGreaterThan(0)
  following.child.kill('SIGINT')
  await following.ended
})

test('records are followed from elsewhere without each look being a record', async () => {
  const following = there.start('audit', 'tail', '-f', '-n', '1')
  await following.seen(/audit\.(list|follow)/)
  await there.run('plugins', 'restart', 'metrics')
  await following.seen(/plugins\.restart metrics ok/)
  await there.run('plugins', 'disable', 'metrics')
  await there.run('plugins', 'enable', 'metrics')
  const output = await following.seen(/config\.patch \S+ ok[\s\S]+config\.patch \S+ ok/)
  expect(occurrences(output, /plugins\.restart metrics ok/g)).toBe(1)
  // One request when the stream opens: each change above restarts the API, and with it the stream.
  expect(occurrences(output, /audit\.list/g) - occurrences(output, /audit\.follow/g)).toBeLessThanOrEqual(1)
  following.child.kill('SIGINT')
  await following.ended
})
