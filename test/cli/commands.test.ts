import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type CommandFolder, commandFolder, commandTimeoutMs, pluginSource, printed } from './arkwatch-command.ts'

setDefaultTimeout(commandTimeoutMs)

const folders: CommandFolder[] = []
const newFolder = (env?: Record<string, string>) => {
  const made = commandFolder(env)
  folders.push(made)
  return made
}
afterAll(() => Promise.all(folders.map((folder) => folder[Symbol.asyncDispose]())))

const config = `data: ./data
plugins:
  mine: { from: ./mine.ts, text: hi, token: "\${env:TOKEN:-unset-token}" }
`

async function withPlugin(parts = '{}', env?: Record<string, string>): Promise<CommandFolder> {
  const made = newFolder(env)
  await made.write('config.yaml', config)
  await made.write('mine.ts', pluginSource('mine', parts))
  return made
}

describe('the command line', () => {
  test('prints the version without loading the runtime', async () => {
    const { run, start } = newFolder()
    expect(await start('version').ended).toMatchObject({ exitCode: 0, stdout: 'arkwatch 0.1.0\n', stderr: '' })
    expect(JSON.parse((await run('version', '--json')).stdout)).toMatchObject({ version: '0.1.0', bun: Bun.version })
  })

  const wrong: [string, string[]][] = [
    ['no command', []],
    ['an unknown command', ['bogus']],
    ['an unknown option', ['version', '--bogus']],
    ['an argument too many', ['version', 'x']],
    ['a missing argument', ['plugin', 'new']],
    ['a bad duration', ['health', '--live', '--timeout', 'soon']],
    ['a bad count', ['logs', 'recent', '-n', '-1']],
  ]
  test.each(wrong)('answers %s with 64 and says where help is', async (_, argv) => {
    const { exitCode, stdout, stderr } = await newFolder().run(...argv)
    expect(exitCode).toBe(64)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/help/)
  })

  test('suggests the command that was meant', async () => {
    expect((await newFolder().run('plugns')).stderr).toContain('Did you mean plugins?')
  })

  test('answers a wrong command line as JSON where JSON was asked for', async () => {
    const { exitCode, stdout, stderr } = await newFolder().run('bogus', '--json')
    expect(exitCode).toBe(64)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CLI_USAGE' }, exitCode: 64 })
  })

  test('help is no error and lists the exit codes', async () => {
    const { exitCode, stdout } = await newFolder().start('help').ended
    expect(exitCode).toBe(0)
    expect(stdout).toContain('69 not running')
  })

  const needInstance = [
    ['plugins'],
    ['plan'],
    ['reload'],
    ['health'],
    ['pause'],
    ['resume'],
    ['logs', 'level'],
    ['logs', 'recent'],
    ['audit', 'tail'],
    ['keys', 'list'],
    ['jobs'],
    ['pool'],
  ]
  test.each(needInstance)('%s %s without a running instance is 69', async (...argv) => {
    const { run, start, write } = newFolder()
    await write('config.yaml', config)
    const words = argv.filter((word) => word !== undefined)
    const human = await start(...words).ended
    expect(human.exitCode).toBe(69)
    expect(human.stderr).toContain('[NOT_RUNNING]')
    expect(JSON.parse((await run(...words, '--json')).stdout)).toMatchObject({
      error: { code: 'NOT_RUNNING' },
      exitCode: 69,
    })
  })

  test('a configuration that is missing is 78 and names the way to one', async () => {
    const { exitCode, stderr } = await newFolder().start('start').ended
    expect(exitCode).toBe(78)
    expect(stderr).toContain('cannot read')
    expect(stderr).toContain('arkwatch init')
  })

  test('a definition that throws when it is read is a mistake of the configuration, with its place', async () => {
    const { run, write } = newFolder()
    await write('config.yaml', 'data: ./data\nplugins: { mine: { from: ./mine.ts } }\n')
    await write('mine.ts', pluginSource('mine', '{}', "get presets() { throw new TypeError('odd') },"))
    const { exitCode, stderr } = await run('check')
    expect(stderr).toMatch(/config\.yaml:2:\d+: .*odd/)
    expect(exitCode).toBe(78)
  })
})

describe('check', () => {
  test('finds a good file good', async () => {
    const { run, start, folder } = await withPlugin()
    expect(await start('check').ended).toMatchObject({ exitCode: 0, stdout: `${folder}/config.yaml is good: mine\n` })
    expect(JSON.parse((await run('check', '--json')).stdout)).toMatchObject({
      ok: true,
      plugins: ['mine'],
      problems: [],
    })
  })

  test('says which plugin enabled one that the file does not name', async () => {
    const { run, folder, write } = newFolder()
    await write('config.yaml', 'plugins: { metrics: }\n')
    expect((await run('check')).stdout).toBe(`${folder}/config.yaml is good: metrics, host (enabled by metrics)\n`)
  })

  test('reports eight different errors at once, each with its position', async () => {
    const { run, write } = newFolder()
    await write('mine.ts', pluginSource('mine', '{}'))
    await write(
      'config.yaml',
      `data: ./data
environmnet: production
server:
  port: 70000
  drainDelay: soon
workers: { maxThreads: two }
plugins:
  mine:
    from: ./mine.ts
    txt: hi
    count: 1.5
    text: "\${env:SURELY_NOT_SET}"
    text: again
  helth: {}
`,
    )
    const { exitCode, stdout, stderr } = await run('check')
    expect(exitCode).toBe(78)
    expect(stdout).toBe('')
    const found = [
      /^config\.yaml:2:1: unknown key "environmnet"/m,
      /^config\.yaml:4:9: /m,
      /^config\.yaml:5:15: .*"soon"/m,
      /^config\.yaml:6:24: /m,
      /^config\.yaml:10:5: unknown key "txt"/m,
      /^config\.yaml:11:12: /m,
      /^config\.yaml:12:11: environment variable SURELY_NOT_SET is not set/m,
      /^config\.yaml:13:5: key "text" is set already/m,
      /^config\.yaml:14:3: unknown plugin "helth"/m,
    ]
    for (const pattern of found) expect(stderr).toMatch(pattern)
    expect(stderr).toContain('did you mean "environment"?')
    expect(stderr).toContain('did you mean "health"?')
    expect(stderr).toContain('9 errors in the configuration')

    const json = JSON.parse((await run('check', '--json')).stdout)
    expect(json.ok).toBe(false)
    expect(json.problems).toHaveLength(9)
    expect(json.problems[0]).toMatchObject({ code: 'CONFIG_UNKNOWN_KEY', line: 2, column: 1, pointer: '/environmnet' })
  })

  test('takes the file of -c, else of ARKWATCH_CONFIG, else ./config.yaml', async () => {
    const { run, write } = newFolder({ ARKWATCH_CONFIG: 'second.yaml' })
    for (const name of ['first', 'second', 'config']) await write(`${name}.yaml`, '{}')
    expect((await run('check', '-c', 'first.yaml')).stdout).toContain('/first.yaml is good')
    expect((await run('check')).stdout).toContain('/second.yaml is good')
    const other = newFolder()
    await other.write('config.yaml', '{}')
    expect((await other.run('check')).stdout).toContain('/config.yaml is good')
  })
})

describe('config', () => {
  test('shows each value with its source, and no secret, without a running instance', async () => {
    const { start } = await withPlugin('{}', { TOKEN: 'very-secret', ENVIRONMENT: 'production' })
    const { exitCode, stdout, stderr } = await start('config').ended
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^KEY +VALUE +SOURCE$/m)
    expect(stdout).toMatch(/^environment +production +environment ENVIRONMENT$/m)
    expect(stdout).toMatch(/^plugins\.mine\.text +hi +config\.yaml:3:\d+$/m)
    expect(stdout).toMatch(/^plugins\.mine\.count +1 +default$/m)
    expect(stdout).toMatch(/^plugins\.mine\.token +\[redacted\] +config\.yaml:3:\d+$/m)
    expect(stdout + stderr).not.toContain('very-secret')
  })

  test('is JSON on demand', async () => {
    const { run } = await withPlugin('{}', { TOKEN: 'very-secret' })
    const { stdout } = await run('config', '--json')
    const { origin, config, sources } = JSON.parse(stdout)
    expect(origin).toBe('file')
    expect(config.plugins.mine).toMatchObject({ text: 'hi', token: '[redacted]' })
    expect(sources['/plugins/mine/text']).toMatchObject({ kind: 'file', line: 3 })
    expect(stdout).not.toContain('very-secret')
  })
})

test('schema prints the JSON Schema with every plugin of ours', async () => {
  const { exitCode, stdout } = await newFolder().start('schema').ended
  expect(exitCode).toBe(0)
  const { $schema, properties } = JSON.parse(stdout)
  expect($schema).toContain('json-schema.org')
  expect(JSON.stringify(properties.plugins)).toContain('"health"')
})

describe('with a running instance', () => {
  test('plugins, plan, reload, pause, resume and config tell about it', async () => {
    const made = await withPlugin("{ reconfigure() { log.info('took it') } }", { TOKEN: 'very-secret' })
    const { run, start, write } = made
    const { seen, child } = start('start', '--no-watch')
    await seen(/arkwatch runs without a listener/)

    const plugins = await run('plugins')
    expect(plugins.exitCode).toBe(0)
    expect(plugins.stdout).toMatch(/^PLUGIN +VERSION +STATE +START +ERRORS +NEEDS +REASON$/m)
    expect(plugins.stdout).toMatch(/^mine +1\.2\.3 +ok +\d+ ms +0$/m)
    expect(JSON.parse((await run('plugins', '--json')).stdout)).toMatchObject({
      pid: child.pid,
      plugins: [{ name: 'mine' }],
    })

    expect((await run('plan')).stdout).toBe('a reload would change nothing\n')
    await write('config.yaml', config.replace('text: hi', 'text: bye'))
    expect((await run('plan')).stdout).toMatch(/^mine +reconfigure/m)
    expect(JSON.parse((await run('config', '--json')).stdout)).toMatchObject({
      origin: 'instance',
      config: { plugins: { mine: { text: 'hi', token: '[redacted]' } } },
    })
    expect(JSON.parse((await run('config', '--file', '--json')).stdout)).toMatchObject({
      origin: 'file',
      config: { plugins: { mine: { text: 'bye' } } },
    })
    const reload = await run('reload', '--json')
    expect(JSON.parse(reload.stdout)).toMatchObject({
      changes: true,
      steps: [{ plugin: 'mine', action: 'reconfigure' }],
    })
    await seen(/took it/)

    await write('config.yaml', 'plugins: { mine: { from: ./mine.ts, cuont: 2 } }')
    const refused = await run('reload')
    expect(refused.exitCode).toBe(78)
    expect(refused.stderr).toMatch(/^config\.yaml:1:\d+: unknown key "cuont"/m)
    expect(refused.stderr).toContain('did you mean "count"?')

    expect((await run('pause')).exitCode).toBe(0)
    expect(JSON.parse((await run('plugins', '--json')).stdout).paused).toBe(true)
    expect(JSON.parse((await run('resume', '--json')).stdout)).toEqual({ paused: false })
    expect(JSON.parse((await run('plugins', '--json')).stdout).paused).toBe(false)

    const noHealth = await run('health')
    expect(noHealth.exitCode).toBe(1)
    expect(noHealth.stderr).toContain('[CONTROL_UNKNOWN_COMMAND]')
  })

  test('health shows the checks and is 1 while a critical one is down', async () => {
    const { run, start, write } = newFolder()
    const check = (port: number) =>
      `{ kind: tcp, host: 127.0.0.1, port: ${port}, critical: true, every: 1s, timeout: 500ms }`
    const open = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } })
    await write('config.yaml', `plugins: { health: { checks: { good: ${check(open.port)}, bad: ${check(1)} } } }`)
    const { seen } = start('start', '--no-watch')
    await seen(/runs without a listener/)
    await printed(() => run('health'), /^bad\* +down/m)
    await printed(() => run('health'), /^good\* +up/m)
    const answer = await run('health')
    expect(answer.exitCode).toBe(1)
    expect(answer.stdout).toContain('status: down')
    expect(JSON.parse((await run('health', '--json')).stdout)).toMatchObject({ status: 'down', overall_healthy: false })
    await run('pause')
    expect((await run('health')).stdout).toContain('status: down (monitoring is paused')
    await run('resume')
    await write('config.yaml', `plugins: { health: { checks: { good: ${check(open.port)} } } }`)
    await run('reload')
    expect((await run('health')).exitCode).toBe(0)
    open.stop(true)
  })

  test('logs level lists and sets levels, with an end', async () => {
    const { run, start, write } = newFolder()
    await write('config.yaml', 'plugins: { logging: { level: info } }')
    const { seen } = start('start', '--no-watch')
    await seen(/runs without a listener/)
    expect((await run('logs', 'level')).stdout).toMatch(/^root +info/m)
    const set = await run('logs', 'level', 'health', 'DEBUG', '--for', '15m')
    expect(set.stdout).toMatch(/^health +debug +debug +\d{4}-/m)
    expect(JSON.parse((await run('logs', 'level', 'health', 'reset', '--json')).stdout).loggers).toBeArray()
    const bad = await run('logs', 'level', 'health', 'loud')
    expect(bad.exitCode).toBe(1)
    expect(bad.stderr).toContain('loud')
    expect((await run('logs', 'recent', '-n', '5')).stdout).toContain('"message"')
  })
})

describe('health --live', () => {
  const answering = (status: number) =>
    Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) => new Response(null, { status: request.url.endsWith('/livez') ? status : 404 }),
    })

  test('is 0 when the address that the configuration names is alive, 1 when it is not', async () => {
    for (const [status, exitCode] of [
      [200, 0],
      [503, 1],
    ] as const) {
      using server = answering(status)
      const { run, write } = newFolder()
      await write('config.yaml', `server: { port: 1 }\nplugins: { health: { watchdog: { port: ${server.port} } } }`)
      const ran = await run('health', '--live')
      expect(ran.exitCode).toBe(exitCode)
      expect(ran.stdout).toContain(`http://127.0.0.1:${server.port}/livez`)
      expect(JSON.parse((await run('health', '--live', '--json')).stdout)).toMatchObject({
        live: status === 200,
        httpStatus: status,
      })
    }
  })

  test('falls back to the public listener, METRICS_PORT and a file that is wrong elsewhere included', async () => {
    using server = answering(200)
    const { run, write } = newFolder({ METRICS_PORT: String(server.port) })
    await write('config.yaml', 'server: { host: 0.0.0.0 }\nbogus: 1\n')
    expect((await run('health', '--live')).stdout).toContain(`http://127.0.0.1:${server.port}/livez`)
  })

  test.each([
    ['server: { port: 1 }', (port: number) => `server: { port: ${port} }`],
    [
      'plugins: { health: { watchdog: { port: 1 } } }',
      (port: number) => `plugins: { health: { watchdog: { port: ${port} } } }`,
    ],
    ['server: { port: 1 }\ndata: kept', (port: number) => `plugins: { health: { watchdog: { port: ${port} } } }`],
    [
      'server: {}\nplugins: { health: { watchdog: { port: 1 } } }',
      (port: number) => `server: { port: ${port} }\nplugins: { health: { enabled: false } }`,
    ],
  ])('asks where a change at run time moved the listener of %j', async (config, overlay) => {
    using server = answering(200)
    const { run, write } = newFolder()
    await write('config.yaml', config)
    await write(`${config.includes('kept') ? 'kept' : 'data'}/overlay.yaml`, overlay(server.port!))
    expect((await run('health', '--live')).stdout).toContain(`http://127.0.0.1:${server.port}/livez`)
  })

  test('takes an address by hand', async () => {
    using server = answering(200)
    expect((await newFolder().run('health', '--live', '--url', `${server.url}livez`)).exitCode).toBe(0)
  })

  test('is 1 when nothing answers, or does not in time, or nothing is configured', async () => {
    using silent = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Promise<Response>(() => {}) })
    const { run, write } = newFolder()
    await write('config.yaml', 'server: { port: 1 }')
    expect(await run('health', '--live')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('CLI_LIVE_UNREACHABLE'),
    })
    const late = await run('health', '--live', '--url', String(silent.url), '--timeout', '100ms')
    expect(late).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('CLI_LIVE_UNREACHABLE') })
    await write('config.yaml', '{}')
    expect(await run('health', '--live')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('CLI_NO_LIVE_ADDRESS'),
    })
  })
})
