import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../scripts/services/free-port.ts'
import { type CommandFolder, commandFolder, commandTimeoutMs, pluginSource } from './arkwatch-command.ts'

setDefaultTimeout(commandTimeoutMs)

const folders: CommandFolder[] = []
afterAll(() => Promise.all(folders.map((folder) => folder[Symbol.asyncDispose]())))

const ready = /arkwatch (listens on|runs without)/

/** A folder whose config.yaml names one plugin, `mine`. */
async function withPlugin(parts: string, { fields = '', top = '' } = {}): Promise<CommandFolder> {
  const made = commandFolder()
  folders.push(made)
  await made.write('mine.ts', pluginSource('mine', parts, fields))
  await made.write('config.yaml', `data: ./data\n${top}\nplugins: { mine: { from: ./mine.ts } }\n`)
  return made
}

describe('start', () => {
  test('says where it listens, and SIGTERM stops it with 0, in order, leaving no file behind', async () => {
    const port = await freePort()
    const made = await withPlugin("{ stop(reason) { log.info('stopping for ' + reason) } }", {
      top: `server: { port: ${port} }`,
    })
    const { seen, child, ended } = made.start('start')
    await seen(new RegExp(`arkwatch listens on http://127\\.0\\.0\\.1:${port}`))
    const data = join(made.folder, 'data')
    expect(readFileSync(join(data, 'arkwatch.pid'), 'utf8')).toBe(`${child.pid}\n`)
    expect(existsSync(join(data, 'arkwatch.sock'))).toBe(true)
    child.kill('SIGTERM')
    const { exitCode, stderr } = await ended
    expect(exitCode).toBe(0)
    expect(stderr).toContain('stopping for shutdown')
    expect(existsSync(join(data, 'arkwatch.sock'))).toBe(false)
    expect(existsSync(join(data, 'arkwatch.pid'))).toBe(false)
  })

  test('without its socket for commands it ends with 1, and says why', async () => {
    const made = await withPlugin('{}')
    mkdirSync(join(made.folder, 'data/arkwatch.sock'), { recursive: true })
    const { exitCode, stderr } = await made.start('start').ended
    expect(exitCode).toBe(1)
    expect(stderr).toContain('[CONTROL_LISTEN_FAILED]')
  })

  test('SIGINT does the same', async () => {
    const { start } = await withPlugin('{}')
    const { seen, child, ended } = start('start')
    await seen(ready)
    child.kill('SIGINT')
    expect((await ended).exitCode).toBe(0)
  })

  test('SIGTERM lets a request under way finish', async () => {
    const port = await freePort()
    const hono = JSON.stringify(Bun.resolveSync('hono', import.meta.dir))
    const { start } = await withPlugin(
      `{ routes: new (require(${hono}).Hono)().get('/slow', async (c) => { log.info('slow began'); await clock.sleep(300); return c.text('done') }) }`,
      { top: `server: { port: ${port} }` },
    )
    const { seen, child, ended } = start('start')
    await seen(ready)
    const answer = fetch(`http://127.0.0.1:${port}/slow`).then((response) => response.text())
    await seen(/slow began/)
    child.kill('SIGTERM')
    expect(await answer).toBe('done')
    expect((await ended).exitCode).toBe(0)
  })

  test('SIGHUP reloads, and a configuration with an error changes nothing', async () => {
    const { start, write, run } = await withPlugin("{ reconfigure({ text }) { log.info('now ' + text) } }")
    const { seen, child } = start('start', '--no-watch')
    await seen(ready)
    await write('config.yaml', 'plugins: { mine: { from: ./mine.ts, text: second } }')
    child.kill('SIGHUP')
    await seen(/now second/)
    await write('config.yaml', 'plugins: { mine: { from: ./mine.ts, txt: third } }')
    child.kill('SIGHUP')
    await seen(/reload refused, the old configuration stays/)
    const { plugins, lastReload } = JSON.parse((await run('plugins', '--json')).stdout)
    expect(plugins[0].state).toBe('ok')
    expect(lastReload.ok).toBe(false)
  })

  test('a change of the file reloads', async () => {
    const { start, write } = await withPlugin("{ reconfigure({ text }) { log.info('now ' + text) } }")
    const { seen } = start('start')
    await seen(ready)
    await write('config.yaml', 'plugins: { mine: { from: ./mine.ts, text: watched } }')
    await seen(/now watched/)
  })

  test('a second SIGTERM skips the drain', async () => {
    const port = await freePort()
    const { start } = await withPlugin('{}', { top: `server: { port: ${port}, drainDelay: 5m }` })
    const { seen, child, ended } = start('start')
    await seen(ready)
    child.kill('SIGTERM')
    await seen(/SIGTERM: stopping/)
    child.kill('SIGTERM')
    expect((await ended).exitCode).toBe(0)
  })

  test('a second SIGTERM ends it with 143 when a plugin does not stop', async () => {
    const { start } = await withPlugin('{ stop: () => new Promise(() => {}) }', {
      fields: 'deadlines: { stop: 60_000 },',
    })
    const { seen, child, ended } = start('start')
    await seen(ready)
    child.kill('SIGTERM')
    await seen(/SIGTERM: stopping/)
    child.kill('SIGTERM')
    expect((await ended).exitCode).toBe(143)
  })

  test('a plugin that hangs at the stop is named, with 75', async () => {
    const { start } = await withPlugin('{ stop: () => new Promise(() => {}) }', { fields: 'deadlines: { stop: 100 },' })
    const { seen, child, ended } = start('start')
    await seen(ready)
    child.kill('SIGTERM')
    const { exitCode, stderr } = await ended
    expect(exitCode).toBe(75)
    expect(stderr).toContain('stopped, but mine hung')
  })

  const faults = [
    ['exception', "setTimeout(() => { throw new Error('boom') }, 10)", /boom.*uncaught exception/],
    ['rejection', "setTimeout(() => { Promise.reject(new Error('boom')) }, 10)", /boom.*unhandled rejection/],
  ] as const
  test.each(faults)(
    'an uncaught %s is logged as fatal, plugins are stopped, and the code is 70',
    async (_, what, line) => {
      const { start } = await withPlugin(`{ ready() { ${what} }, stop() { log.info('flushed') } }`)
      const { exitCode, stderr } = await start('start').ended
      expect(exitCode).toBe(70)
      expect(stderr).toMatch(line)
      expect(stderr).toContain('"level":"fatal"')
      expect(stderr).toContain('flushed')
    },
  )

  test('an uncaught exception ends with 70 also where a plugin then hangs', async () => {
    const { start } = await withPlugin(
      "{ ready() { setTimeout(() => { throw new Error('boom') }, 10) }, stop: () => new Promise(() => {}) }",
      { fields: 'deadlines: { stop: 60_000 },' },
    )
    expect((await start('start').ended).exitCode).toBe(70)
  })

  test('a second process on the same data is refused, naming the first', async () => {
    const { start, run } = await withPlugin('{}')
    const { seen, child } = start('start')
    await seen(ready)
    const { exitCode, stderr } = await start('start').ended
    expect(exitCode).toBe(1)
    expect(stderr).toContain('[DATA_IN_USE]')
    expect(stderr).toContain(`process ${child.pid}`)
    expect((await run('plugins')).exitCode).toBe(0)
  })

  test('of two that start at once one runs', async () => {
    const { start, run } = await withPlugin('{}')
    const both = [start('start'), start('start')]
    const first = await Promise.race(both.map(({ ended }) => ended))
    expect(first.stderr).toContain('[DATA_IN_USE]')
    const winner = both.find(({ child }) => child.exitCode === null)!
    await winner.seen(ready)
    expect(JSON.parse((await run('plugins', '--json')).stdout).pid).toBe(winner.child.pid)
  })

  test('after a kill -9 it starts again on the same data', async () => {
    const { start, run } = await withPlugin('{}')
    const first = start('start')
    await first.seen(ready)
    first.child.kill('SIGKILL')
    await first.ended
    expect((await run('plugins')).exitCode).toBe(69)
    const second = start('start')
    await second.seen(ready)
    expect(JSON.parse((await run('plugins', '--json')).stdout).pid).toBe(second.child.pid)
  })

  test('a port in use is named, with 1, and nothing runs', async () => {
    using taken = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('') })
    const made = await withPlugin("{ start() { log.info('began') }, stop() { log.info('undone') } }", {
      top: `server: { port: ${taken.port} }`,
    })
    const { exitCode, stderr } = await made.start('start').ended
    expect(exitCode).toBe(1)
    expect(stderr).toContain(`127.0.0.1:${taken.port}`)
    expect(stderr).toContain('[LISTEN_FAILED]')
    expect(stderr).toContain('undone')
    expect(existsSync(join(made.folder, 'data/arkwatch.pid'))).toBe(false)
  })

  test('a configuration with an error is 78, and nothing is started', async () => {
    const made = await withPlugin("{ start() { log.info('began') } }")
    await made.write('config.yaml', 'plugins: { mine: { from: ./mine.ts, x: 1, y: 2 } }')
    const { exitCode, stderr } = await made.start('start').ended
    expect(exitCode).toBe(78)
    expect(stderr).toContain('2 errors')
    expect(stderr).not.toContain('began')
    expect(existsSync(join(made.folder, 'data'))).toBe(false)
  })

  test('a data folder that cannot be made is named, with 1', async () => {
    const made = await withPlugin('{}')
    await made.write('data', 'a file')
    const { exitCode, stderr } = await made.start('start').ended
    expect(exitCode).toBe(1)
    expect(stderr).toContain('[DATA_UNUSABLE]')
  })

  test('a SIGHUP during the boot reloads when it is over', async () => {
    const made = await withPlugin("{ async start() { log.info('slowly'); await clock.sleep(500) } }", {
      top: 'workers: {}',
    })
    const { seen, child, ended } = made.start('start', '--no-watch')
    await seen(/slowly/)
    child.kill('SIGHUP')
    await seen(/configuration reloaded/)
    child.kill('SIGTERM')
    expect((await ended).exitCode).toBe(0)
  })

  test('a SIGHUP before the boot ends no start: it is listened for before any other module is loaded', async () => {
    const entry = await Bun.file(join(import.meta.dir, '../../cli/arkwatch.ts')).text()
    const [, first] = /^import '(.*)'$/m.exec(entry.slice(0, entry.indexOf(' from ')))!
    const then = "process.kill(process.pid, 'SIGHUP'); setTimeout(() => console.log('alive'), 50)"
    const call = (command: string) =>
      Bun.spawnSync([
        process.execPath,
        '-e',
        `require(${JSON.stringify(join(import.meta.dir, '../../cli', first!))}); ${then}`,
        command,
      ])
    expect(call('start').stdout.toString()).toBe('alive\n')
    expect(call('plugins').signalCode).toBe('SIGHUP')
  })

  test('a SIGTERM during the boot ends what is starting, and starts nothing more', async () => {
    const { start } = await withPlugin(
      "{ start: () => new Promise((_, no) => { log.info('waiting'); signal.addEventListener('abort', () => no(new Error('aborted'))) }), stop() { log.info('undone') } }",
    )
    const { seen, child, ended } = start('start')
    await seen(/waiting/)
    child.kill('SIGTERM')
    const { exitCode, stderr } = await ended
    expect(exitCode).toBe(0)
    expect(stderr).toContain('undone')
    expect(stderr).not.toContain('listens on')
  })

  test('a SIGTERM during the boot stops it when it is up', async () => {
    const { start } = await withPlugin(
      "{ async start() { log.info('slowly'); await clock.sleep(300) }, stop() { log.info('undone') } }",
    )
    const { seen, child, ended } = start('start')
    await seen(/slowly/)
    child.kill('SIGTERM')
    const { exitCode, stderr } = await ended
    expect(exitCode).toBe(0)
    expect(stderr).toContain('undone')
  })
})
