import { afterEach, describe, expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArkwatchError, coreError } from '../../../core/contract/errors.ts'
import type { LogRecord } from '../../../core/contract/logger.ts'
import type { ControlCommand } from '../../../core/contract/runtime-api.ts'
import { audited, maxRuns } from '../../../core/control/audited.ts'
import { control } from '../../../core/control/client.ts'
import { controlSocket, maxControlBodyBytes } from '../../../core/control/protocol.ts'
import { type ControlServer, startControl } from '../../../core/control/server.ts'
import { LogHub } from '../../../core/process/log.ts'
import { testClock } from '../../../testing/test-clock.ts'

const lines: LogRecord[] = []
const log = new LogHub(testClock(), { isEnabled: () => true, write: (record) => lines.push(record) }).logger('core')
const newDir = () => mkdtempSync(join(tmpdir(), 'arkwatch-control-'))
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
  lines.length = 0
})

function serve(dataDir: string, commands: Record<string, ControlCommand['run']>): ControlServer {
  const map = new Map(Object.entries(commands).map(([name, run]) => [name, { name, run }]))
  const server = startControl({ dataDir, commands: () => map, log })
  undo.push(() => server.stop())
  return server
}

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
  } catch (thrown) {
    return thrown instanceof ArkwatchError ? thrown.code : `not ours: ${thrown}`
  }
  return 'nothing was thrown'
}

describe('the control socket', () => {
  test('carries arguments in and the result out', async () => {
    const dataDir = newDir()
    serve(dataDir, { echo: (args) => ({ got: args }), nothing: () => undefined })
    expect(await control(dataDir).call('echo', { a: [1, 'x'] })).toEqual({ got: { a: [1, 'x'] } })
    expect(await control(dataDir).call('nothing')).toBeNull()
  })

  test('is readable and writable by its owner alone', () => {
    const dataDir = newDir()
    const { socket } = serve(dataDir, {})
    expect(statSync(socket).mode & 0o777).toBe(0o600)
  })

  test('gives the error of a command with code, help and problems', async () => {
    const dataDir = newDir()
    const problem = {
      code: 'CONFIG_UNKNOWN_KEY',
      message: 'unknown key',
      pointer: '/x',
      file: 'a.yaml',
      line: 3,
      column: 1,
    }
    serve(dataDir, {
      reload: () => {
        throw Object.assign(coreError('RELOAD_FAILED', { reason: 'bad' }), { problems: [problem] })
      },
    })
    const thrown = (await control(dataDir)
      .call('reload')
      .catch((error) => error)) as ArkwatchError
    expect(thrown.code).toBe('RELOAD_FAILED')
    expect(thrown.message).toBe('reload failed, the old configuration stays: bad')
    expect(thrown.help).toContain('arkwatch plan')
    expect(thrown.details.problems).toEqual([problem])
  })

  test('answers problem+json', async () => {
    const { socket } = serve(newDir(), {})
    const response = await fetch('http://x/nothing', { unix: socket, method: 'POST' })
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(await response.json()).toMatchObject({ code: 'CONTROL_UNKNOWN_COMMAND', status: 404 })
  })

  test('logs what a command throws by accident, and says which one failed', async () => {
    const dataDir = newDir()
    serve(dataDir, {
      broken: () => {
        throw new TypeError('x is undefined')
      },
    })
    expect(await codeOf(control(dataDir).call('broken'))).toBe('CONTROL_COMMAND_FAILED')
    expect(lines.map(({ message }) => message)).toEqual(['command broken failed'])
  })

  test('refuses an unknown command naming the known ones', async () => {
    const dataDir = newDir()
    serve(dataDir, { status: () => 1, plan: () => 2 })
    await expect(control(dataDir).call('staus')).rejects.toThrow('has no command staus; the commands are plan, status')
  })

  const badBodies = [
    ['no JSON', '{'],
    ['a list', '[1]'],
    ['null', 'null'],
    ['a string', '"x"'],
    ['nested too deep', `{"patch":${'['.repeat(300_000)}${']'.repeat(300_000)}}`],
    ['of too many values', JSON.stringify(Object.fromEntries(Array.from({ length: 75_000 }, (_, at) => [at, 1])))],
  ] as const
  test.each(badBodies)('refuses a body that is %s', async (_, body) => {
    const { socket } = serve(newDir(), { status: () => 1 })
    const response = await fetch('http://x/status', { unix: socket, method: 'POST', body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'CONTROL_BAD_REQUEST' })
  })

  test.each([
    ['with a length', 'content-length: 100\r\n\r\n{"a":'],
    ['in chunks', 'transfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n'],
  ])('neither runs nor logs a command whose client leaves in the middle of a body %s', async (_, rest) => {
    const runs: string[] = []
    const { socket } = serve(newDir(), { add: () => runs.push('add'), status: () => 1 })
    const client = createConnection(socket)
    const closed = new Promise((resolve) => client.once('close', resolve))
    client.write(`POST /add HTTP/1.1\r\nhost: x\r\n${rest}`, () => client.destroy())
    await closed
    for (let round = 0; round < 3; round += 1)
      expect((await fetch('http://x/status', { unix: socket, method: 'POST' })).status).toBe(200)
    expect([runs, lines]).toEqual([[], []])
  })

  test('refuses another method than POST', async () => {
    const { socket } = serve(newDir(), { status: () => 1 })
    expect((await fetch('http://x/status', { unix: socket })).status).toBe(405)
  })

  test('answers a malformed name', async () => {
    const { socket } = serve(newDir(), { status: () => 1 })
    expect((await fetch('http://x/%zz', { unix: socket, method: 'POST' })).status).toBe(400)
  })

  test('refuses a body over the limit', async () => {
    const dataDir = newDir()
    serve(dataDir, { status: () => 1 })
    const call = control(dataDir).call('status', { big: 'x'.repeat(maxControlBodyBytes) })
    expect(await codeOf(call)).toBe('CONTROL_BAD_REQUEST')
  })

  test('refuses a command more than it serves at once, and takes the next when one has ended', async () => {
    const dataDir = newDir()
    const gate = Promise.withResolvers<void>()
    const full = Promise.withResolvers<void>()
    let entered = 0
    const wait = async () => {
      entered += 1
      if (entered === maxRuns) full.resolve()
      await gate.promise
    }
    const contributed = { plugin: 'p', value: { name: 'wait', run: wait }, fault() {}, hold() {} }
    serve(dataDir, { wait: audited(contributed, () => [], testClock()).run })
    const waiting = Array.from({ length: maxRuns }, () => control(dataDir).call('wait'))
    await full.promise
    expect(await codeOf(control(dataDir).call('wait'))).toBe('CONTROL_BUSY')
    gate.resolve()
    await Promise.all(waiting)
    expect(await control(dataDir).call('wait')).toBeNull()
  })

  test('replaces the socket file that a killed process left', async () => {
    const dataDir = newDir()
    const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
    await Bun.spawn(['bun', '-e', script, controlSocket(dataDir)]).exited
    expect(existsSync(controlSocket(dataDir))).toBe(true)
    expect(await codeOf(control(dataDir).call('status'))).toBe('NOT_RUNNING')
    serve(dataDir, { status: () => 'new' })
    expect(await control(dataDir).call<string>('status')).toBe('new')
  })

  test.each<[string, (socket: string) => void]>([
    ['removed', (socket) => rmSync(socket)],
    ['replaced', (socket) => renameSync(socket, `${socket}-old`)],
    [
      'a file',
      (socket) => {
        rmSync(socket)
        writeFileSync(socket, '')
      },
    ],
  ])('whose file is %s is opened again, as soon as nothing else is there', async (what, takeAway) => {
    const dataDir = newDir()
    const server = serve(dataDir, { status: () => 'here' })
    await server.keep()
    expect(lines).toEqual([])
    takeAway(server.socket)
    await server.keep()
    await server.keep()
    expect(lines.map(({ level }) => level)).toEqual([what === 'a file' ? 'error' : 'warn'])
    if (what === 'a file') rmSync(server.socket)
    await server.keep()
    expect(await control(dataDir).call<string>('status')).toBe('here')
    await server.stop()
    await server.keep()
    expect(existsSync(server.socket)).toBe(false)
  })

  test('removes its file when it stops, and the client says that nothing runs', async () => {
    const dataDir = newDir()
    const server = serve(dataDir, { status: () => 1 })
    await server.stop()
    expect(existsSync(server.socket)).toBe(false)
    expect(await codeOf(control(dataDir).call('status'))).toBe('NOT_RUNNING')
    expect(await codeOf(control(join(dataDir, 'nowhere')).call('status'))).toBe('NOT_RUNNING')
  })

  test('without a socket, the client names the process that holds the directory, and no other', async () => {
    const dataDir = newDir()
    const module = join(import.meta.dir, '../../../core/process/data-lock.ts')
    const script = `globalThis.lock = require('${module}').lockData('${dataDir}'); console.log('locked'); setInterval(() => {}, 1_000)`
    const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
    await child.stdout.getReader().read()
    await expect(control(dataDir).call('status')).rejects.toMatchObject({
      code: 'CONTROL_ABSENT',
      message: `process ${child.pid} holds ${dataDir} and has no control socket`,
      help: expect.stringContaining('--url'),
    })
    child.kill('SIGKILL')
    await child.exited
    writeFileSync(join(dataDir, 'arkwatch.pid'), `${process.pid}\n`)
    expect(await codeOf(control(dataDir).call('status'))).toBe('NOT_RUNNING')
  })

  test('works in a folder whose path is longer than a socket address', async () => {
    const dataDir = join(newDir(), 'd'.repeat(80), 'e'.repeat(80))
    mkdirSync(dataDir, { recursive: true })
    serve(dataDir, { status: () => 'far' })
    expect(await control(dataDir).call<string>('status')).toBe('far')
  })

  test('says why it cannot be opened', async () => {
    const file = join(newDir(), 'file')
    writeFileSync(file, '')
    const open = async () => startControl({ dataDir: file, commands: () => new Map(), log })
    expect(await codeOf(open())).toBe('CONTROL_LISTEN_FAILED')
  })

  test('a client says that the process ended before its answer', async () => {
    const dataDir = newDir()
    const dying = createServer((socket) => socket.on('data', () => socket.destroy()))
    await new Promise<void>((resolve) => dying.listen(controlSocket(dataDir), resolve))
    undo.push(() => dying.close())
    expect(await codeOf(control(dataDir).call('reload'))).toBe('CONTROL_CUT_OFF')
  })

  test('a client gives up on an instance that accepts and never answers', async () => {
    const dataDir = newDir()
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(controlSocket(dataDir), resolve))
    undo.push(() => silent.close())
    // A real timeout: the client's limit is what is tested.
    expect(await codeOf(control(dataDir, 50).call('status'))).toBe('CONTROL_TIMEOUT')
  })
})

describe('the folder that the socket lies in', () => {
  test('is not opened to others by the socket', () => {
    const dataDir = newDir()
    chmodSync(dataDir, 0o755)
    serve(dataDir, {})
    expect(statSync(dataDir).mode & 0o777).toBe(0o755)
    rmSync(dataDir, { recursive: true, force: true })
  })
})
