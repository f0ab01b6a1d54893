/** Failures of the server under load: what callers see is typed and comes in time, what they get is right, and all is well again by itself. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import postgres from 'postgres'
import { systemClock } from '../../../core/process/clock.ts'
import type { Pool } from '../../../plugins/pool/api.ts'
import { freePort, type Instance, privatePostgres } from '../../support/services.ts'
import { codeOf, driverNames, eventually, outcome, realPool } from './real-pool.ts'

// A database server answers in real time.

// Servers are started, stopped, killed and filled.
setDefaultTimeout(120_000)

let server: Instance
beforeAll(async () => {
  server = await privatePostgres({ args: ['-c', 'max_connections=20', '-c', 'superuser_reserved_connections=3'] })
})
afterAll(() => server?.stop())

const settings = {
  size: 4,
  maxOverflow: 2,
  acquireTimeout: 1_500,
  connectTimeout: 1_000,
  validateAfter: 500,
  validationTimeout: 500,
  backOff: { firstMs: 50, maxMs: 300 },
}
const statementTimeout = 500

interface Load {
  readonly codes: Map<string, number>
  /** When each request that failed was begun and ended, monotonic milliseconds. */
  readonly failed: { readonly startedMs: number; readonly endedMs: number }[]
  answered: number
  wrong: number
  /** Of the last answer, monotonic milliseconds. */
  lastMs: number
  longestMs: number
  /** Counts from now on. */
  reset(): void
  stop(): Promise<void>
}

/** Eight callers that ask for a number of their own, in plain statements and transactions, and check the answer. */
function load(pool: Pool): Load {
  let stopped = false
  const state: Load = {
    codes: new Map(),
    failed: [],
    answered: 0,
    wrong: 0,
    lastMs: 0,
    longestMs: 0,
    reset() {
      Object.assign(state, { answered: 0, longestMs: 0 })
      state.codes.clear()
    },
    async stop() {
      stopped = true
      await callers
    },
  }
  const caller = async (which: number) => {
    for (let turn = 0; !stopped; turn += 1) {
      const wanted = which * 1_000_000 + turn
      const startedMs = systemClock.monotonic()
      try {
        const ask = () => pool.sql<{ n: number }>`SELECT ${wanted}::int AS n`
        const rows =
          turn % 3 === 0
            ? await pool.begin((tx) => tx.query<{ n: number }>('SELECT $1::int AS n', [wanted]))
            : await ask()
        state.answered += 1
        if (rows.length !== 1 || rows[0]?.n !== wanted) state.wrong += 1
        state.lastMs = systemClock.monotonic()
      } catch (thrown) {
        const code = codeOf(thrown) ?? String(thrown)
        state.codes.set(code, (state.codes.get(code) ?? 0) + 1)
        state.failed.push({ startedMs, endedMs: systemClock.monotonic() })
        await systemClock.sleep(10)
      }
      state.longestMs = Math.max(state.longestMs, systemClock.monotonic() - startedMs)
    }
  }
  const callers = Promise.all(Array.from({ length: 8 }, (_, which) => caller(which)))
  return state
}

const typed = /^POOL_(TIMEOUT|UNAVAILABLE|CONNECTION_LOST|STATEMENT_TIMEOUT)$/
/** What comes when, in a pool where nothing may take longer: waiting, then a statement and the grace after it. */
const boundMs = settings.acquireTimeout + statementTimeout + 5_000 + 1_500

/** How long after an outage requests may still fail: a back-off, an attempt under way, a server that is slow at first. */
const graceMs = settings.backOff.maxMs + settings.connectTimeout + 700

/** An outage with its end. */
interface Outage {
  readonly fromMs: number
  readonly untilMs: number
}
const outage = async (during: () => unknown): Promise<Outage> => {
  const fromMs = systemClock.monotonic()
  await during()
  return { fromMs, untilMs: systemClock.monotonic() }
}

/** Only what was under way in an outage, or begun in it or shortly after, has failed; all others were answered. */
function expectBounded({ failed }: Load, outages: readonly Outage[]): void {
  const isExcused = ({ startedMs, endedMs }: Load['failed'][number]) =>
    outages.some(({ fromMs, untilMs }) => endedMs >= fromMs && startedMs <= untilMs + graceMs)
  expect(failed.filter((each) => !isExcused(each))).toEqual([])
}

async function expectRecovery(pool: Pool, under: Load): Promise<void> {
  const startedMs = systemClock.monotonic()
  expect(await eventually(() => under.lastMs > startedMs)).toBe(true)
  expect(await eventually(() => !pool.status().unavailable && pool.status().waiting < 8)).toBe(true)
  // No failures any more, once what was under way has ended.
  await systemClock.sleep(100)
  expect(
    await eventually(async () => {
      under.reset()
      await systemClock.sleep(300)
      return under.answered > 0 && under.codes.size === 0
    }),
  ).toBe(true)
}

function expectTyped({ codes, wrong, longestMs }: Load): void {
  expect([...codes.keys()].filter((code) => !typed.test(code))).toEqual([])
  expect(wrong).toBe(0)
  expect(longestMs).toBeLessThan(boundMs)
}

/** Accepts, and answers nothing, while it is `black`; passes through otherwise. */
async function gate(
  target: number,
): Promise<{ port: number; black: boolean; opened: number; server: Server; close(): void }> {
  const sockets = new Set<Socket>()
  const { connect } = await import('node:net')
  const state = {
    port: freePort(),
    black: false,
    opened: 0,
    server: createServer((socket) => {
      state.opened += 1
      sockets.add(socket)
      socket.on('error', () => {})
      const onward = connect(target, '127.0.0.1')
      sockets.add(onward)
      onward.on('error', () => socket.destroy())
      socket.on('data', (bytes) => void (state.black || onward.write(bytes)))
      onward.on('data', (bytes) => void (state.black || socket.write(bytes)))
      socket.on('close', () => onward.destroy())
      onward.on('close', () => socket.destroy())
    }),
    close() {
      for (const socket of sockets) socket.destroy()
      state.server.close()
    },
  }
  await new Promise<void>((resolve) => state.server.listen(state.port, '127.0.0.1', resolve))
  return state
}

/** The same load over each driver at once, since these tests wait long. */
async function overEach(url: string) {
  const all = await Promise.all(
    driverNames.map((driver) => realPool(url, { driver, settings: { ...settings, statementTimeout } })),
  )
  const under = all.map(({ pool }) => ({ pool, under: load(pool) }))
  const each = (call: (pool: Pool, under: Load) => unknown) =>
    Promise.all(under.map((one) => call(one.pool, one.under)))
  await each((_, one) => eventually(() => one.answered > 50))
  const end = async () => {
    await each((_, one) => one.stop())
    await Promise.all(all.map((one) => one.end()))
  }
  return { each, end }
}

test.concurrent('a server that is stopped by a signal, and goes on', async () => {
  const own = await privatePostgres()
  const { each, end } = await overEach(own.url)
  const admin = postgres(own.url, { max: 1 })
  const backends = await admin`SELECT pid FROM pg_stat_activity`
  await admin.end()
  const send = (signal: 'SIGSTOP' | 'SIGCONT') => {
    for (const pid of [own.pid, ...backends.map((row) => row.pid as number)]) {
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended.
      }
    }
  }
  const stopped = await outage(async () => {
    send('SIGSTOP')
    await systemClock.sleep(boundMs)
    await each((pool, under) => {
      expect(under.codes.size).toBeGreaterThan(0)
      expectTyped(under)
      expect(pool.status().waiting).toBeLessThanOrEqual(8)
    })
    send('SIGCONT')
  })
  await each(expectRecovery)
  await each((_, under) => expectBounded(under, [stopped]))
  await end()
  await own.stop()
})

test.concurrent('a server that accepts and never answers', async () => {
  const hole = await gate(server.port)
  const { each, end } = await overEach(server.url.replace(String(server.port), String(hole.port)))
  const silent = await outage(async () => {
    hole.black = true
    await systemClock.sleep(boundMs)
    await each((_, under) => {
      expect(under.codes.size).toBeGreaterThan(0)
      expectTyped(under)
    })
    hole.opened = 0
    await systemClock.sleep(1_000)
    // Each pool makes one attempt at a time, with a pause after it.
    expect(hole.opened).toBeLessThan(10)
    hole.black = false
  })
  await each(expectRecovery)
  await each((_, under) => expectBounded(under, [silent]))
  await end()
  hole.close()
})

describe.each(driverNames)('over %s', (driver) => {
  const open = (url: string, timeoutMs = statementTimeout) =>
    realPool(url, { driver, settings: { ...settings, statementTimeout: timeoutMs } })

  test('kill -9 of the server', async () => {
    const { pool, end } = await open(server.url)
    const under = load(pool)
    await eventually(() => under.answered > 50)
    const outages: Outage[] = []
    for (let round = 0; round < 2; round += 1) {
      const killed = await outage(async () => {
        await server.kill9()
        expect(await eventually(() => pool.status().total === 0)).toBe(true)
        await server.restart()
      })
      outages.push(killed)
      expectTyped(under)
      await expectRecovery(pool, under)
    }
    expectBounded(under, outages)
    await under.stop()
    await end()
  })

  test('a server that has no connection left', async () => {
    const { pool, end } = await open(server.url)
    const greedy = postgres(server.url, { max: 20, onnotice: () => {} })
    const taken = await Promise.allSettled(Array.from({ length: 20 }, () => greedy.reserve()))
    const under = load(pool)
    const exhausted = await outage(async () => {
      await systemClock.sleep(2_500)
      expect(under.answered).toBe(0)
      expect(pool.status()).toMatchObject({
        unavailable: true,
        problem: expect.stringMatching(/too many|connection slots/),
      })
      expectTyped(under)
      for (const each of taken) if (each.status === 'fulfilled') each.value.release()
      await greedy.end()
    })
    await expectRecovery(pool, under)
    expectBounded(under, [exhausted])
    await under.stop()
    await end()
  })

  const canMount = process.platform === 'linux' && process.getuid?.() === 0 && Bun.which('mount') !== null
  if (!canMount)
    console.warn('NOT TESTED: a full disk of the server needs root, to mount a small file system for its tables')
  test.skipIf(!canMount)('a server whose disk is full', async () => {
    const dir = join(server.dir, `small-${driver}`)
    mkdirSync(dir)
    const mounted = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', 'size=8m,mode=0777', 'tmpfs', dir])
    expect(mounted.stderr.toString()).toBe('')
    const { pool, end } = await open(server.url, 30_000)
    const under = load(pool)
    try {
      const space = `small_${driver}`
      mkdirSync(join(dir, 'space'))
      const { uid, gid } = await Bun.file(join(server.dir, 'data')).stat()
      Bun.spawnSync(['chown', `${uid}:${gid}`, join(dir, 'space')])
      const long = { signal: AbortSignal.timeout(60_000) }
      await pool.query(`CREATE TABLESPACE ${space} LOCATION '${join(dir, 'space')}'`, [], long)
      await pool.query(`CREATE TABLE filled (n int, junk text) TABLESPACE ${space}`)
      writeFileSync(join(dir, 'ballast'), Buffer.alloc(6 * 1024 * 1024))
      const fill = () => pool.query("INSERT INTO filled SELECT n, repeat('x', 1000) FROM generate_series(1, 4000) n")
      const codes = [await outcome(fill()), await outcome(fill())]
      // The server's own error, which is the statement's and not the connection's.
      expect(codes.at(-1)).toBe('53100')
      const inTransaction = pool.begin(async (tx) => {
        await tx`INSERT INTO filled VALUES (1, 'kept?')`
        await tx.query("INSERT INTO filled SELECT n, repeat('x', 1000) FROM generate_series(1, 8000) n")
      })
      expect(await outcome(inTransaction)).toBe('53100')
      expect([...(await pool.query("SELECT count(*)::int AS n FROM filled WHERE junk = 'kept?'"))]).toMatchObject([
        { n: 0 },
      ])
      // Who does not write is not hurt.
      expect(under.wrong).toBe(0)
      expect([...under.codes.keys()]).toEqual([])
      rmSync(join(dir, 'ballast'))
      expect(await outcome(fill())).toBe('ok')
      await pool.query('DROP TABLE filled')
      await pool.query(`DROP TABLESPACE ${space}`)
      expect(pool.status()).toMatchObject({ unavailable: false, leaks: 0 })
    } finally {
      await under.stop()
      await end()
      Bun.spawnSync(['umount', '-l', dir])
    }
    expect(existsSync(join(dir, 'space'))).toBe(false)
  })
})
