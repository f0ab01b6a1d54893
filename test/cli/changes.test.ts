import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { freePort } from '../support/services.ts'
import { commandFolder, commandTimeoutMs } from './arkwatch-command.ts'

setDefaultTimeout(commandTimeoutMs)

const at = commandFolder()
afterAll(() => at[Symbol.asyncDispose]())

const config = `server: { port: 0 }
data: ./data
plugins:
  logging:
  metrics:
  store:
  audit:
`

test('changes, restarts and the audit log are driven from the command line', async () => {
  await at.write('config.yaml', config)
  await at.write('patch.yaml', 'plugins: { metrics: { path: /m } }\n')
  await at.write('wrong.yaml', 'plugins: { metrics: { paht: /m } }\n')
  const running = at.start('start', '--no-watch')
  await running.seen(/listens on/)
  expect((await at.run('config', 'plan', 'patch.yaml')).stdout).toMatch(/metrics +reconfigure/)
  expect((await at.run('config', 'plan', 'wrong.yaml')).stderr).toContain('did you mean "path"?')
  expect((await at.run('config', 'plan', 'nowhere.yaml')).exitCode).toBe(64)
  // This process, of ./data, is perhaps not the one that was meant.
  expect(await at.run('plugins', 'disable', 'metrics', '-c', 'typo.yaml')).toMatchObject({
    exitCode: 64,
    stderr: expect.stringMatching(/^error: there is no file .*typo\.yaml, which names the process by its `data`/),
  })
  await at.write('broken.yaml', 'plugins: { metrics: [ }\n')
  expect((await at.run('config', 'plan', 'broken.yaml')).stderr).toMatch(
    /^error: cannot read the change from broken\.yaml: .* at line 1, column 23 \[CLI_USAGE\]\n/,
  )
  // By the reader of the configuration: the parser's own search for repeated keys takes quadratic time.
  await at.write('repeated.yaml', 'plugins:\n  a: 1\n  a: 2\n')
  const repeated = 'cannot read the change from repeated.yaml: key "a" is set already at 2:3 at line 3, column 3'
  expect((await at.run('config', 'plan', 'repeated.yaml')).stderr).toContain(repeated)
  await at.write('large.yaml', `# ${'x'.repeat(1024 * 1024)}\n`)
  expect((await at.run('config', 'plan', 'large.yaml')).stderr).toContain('a change has 1048576 at most')
  const applied = await at.run('config', 'apply', 'patch.yaml', '--confirm-within', '60s')
  expect(applied.stdout).toContain('rolled back in 60s unless you run: arkwatch config confirm')
  for (const limit of ['soon', '2h', '10ms'])
    expect(await at.run('config', 'apply', 'patch.yaml', '--confirm-within', limit)).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining(`--confirm-within takes a duration from 1s to 1h, such as 60s, got "${limit}"`),
    })
  expect((await at.run('config', 'confirm')).stdout).toContain('confirmed')
  expect((await at.run('config')).stdout).toMatch(/plugins\.metrics\.path +\/m +data\/overlay\.yaml/)
  expect((await at.run('config', 'rollback')).stderr).toContain(
    'no change is waiting for its confirmation [CHANGE_UNKNOWN]',
  )
  expect((await at.run('config', 'confirm', 'x-1')).stderr).toContain('no change x-1 is waiting')
  expect((await at.run('plugins', 'restart', 'metrics')).stdout).toMatch(/metrics +replace +lost +restart/)
  expect((await at.run('plugins', 'restart', 'nobody')).stderr).toContain('PLUGIN_NOT_THERE')
  expect((await at.run('plugins', 'disable', 'metrics')).stdout).toMatch(/metrics +remove/)
  expect((await at.run('plugins', 'restart', 'metrics')).stderr).toContain(
    'plugin metrics is disabled and cannot be restarted: enabled: false [PLUGIN_OFF]',
  )
  expect((await at.run('plugins', 'enable', 'metrics')).stdout).toMatch(/metrics +add/)
  expect((await at.run('plugins', 'disable', 'store')).stdout).toMatch(
    /audit +remove +\w+ +blocked: needs the service store, which is not available/,
  )
  expect((await at.run('config')).stdout).toMatch(/plugins\.store\.enabled +false +data\/overlay\.yaml/)
  expect((await at.run('plugins', 'enable', 'store')).stdout).toMatch(/audit +add/)
  // No entry stays that would be of an unknown plugin once config.yaml does not name the plugin.
  expect((await at.run('config')).stdout).not.toMatch(/\.enabled +\w+ +data/)
  await at.write('off.yaml', 'plugins: { store: { enabled: false } }\n')
  const refused = await at.run('config', 'apply', 'off.yaml', '--confirm-within', '30s')
  expect(refused).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/running plugin audit needs, .* needs the service store.*\[CHANGE_BLOCKS\]/),
  })
  await at.write('server.yaml', `server: { port: ${await freePort()} }\n`)
  for (const command of ['plan', 'apply'])
    expect((await at.run('config', command, 'server.yaml')).stdout).toMatch(/server +replace +none +the listener moves/)

  expect((await at.run('audit', 'verify')).stdout).toMatch(/^ok: \d+ record\(s\), 1 to \d+\n$/)
  const tail = (await at.run('audit', 'tail', '--json')).stdout
  const records = (JSON.parse(tail) as { records: { action: string; outcome: string; target?: string }[] }).records
  const shown = records.map(({ action, target, outcome }) => [action, target, outcome].filter(Boolean).join(' '))
  for (const each of [
    'config.apply begun',
    'config.apply ok',
    'config.confirm ok',
    'config.rollback CHANGE_UNKNOWN',
    'plugins.restart metrics begun',
    'plugins.restart metrics ok',
    'plugins.restart nobody PLUGIN_NOT_THERE',
  ])
    expect(shown).toContain(each)
  expect(tail).toContain('/m')
  expect((await at.run('audit', 'tail', '-n', '0')).exitCode).toBe(64)
  await at.write('audit.jsonl', (await at.run('audit', 'export')).stdout)
  expect((await at.run('audit', 'verify', '--file', 'audit.jsonl')).stdout).toMatch(/^ok: \d+ record/)
  expect((await at.run('audit', 'verify', '--file', 'config.yaml')).stderr).toContain('AUDIT_EXPORT_INVALID')
  await at.write('cut.jsonl', (await Bun.file(join(at.folder, 'audit.jsonl')).text()).split('\n')[0]!)
  expect((await at.run('audit', 'verify', '--file', 'cut.jsonl')).exitCode).toBe(1)
})
