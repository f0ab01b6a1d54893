/** Attempts to connect that fail: nothing of them stays behind, and no client goes on by itself. */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createServer, type Socket } from 'node:net'
import { systemClock } from '../../../core/process/clock.ts'
import { freePort } from '../../support/services.ts'
import { codeOf, driverNames, eventually, outcome, realPool } from './real-pool.ts'

// A database server answers in real time.

// Time limits of connections pass.
setDefaultTimeout(30_000)

/** A server that is no PostgreSQL. @param accept what it does with a connection */
async function impostor(accept: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const state = { port: freePort(), opened: 0, sockets, close: () => {} }
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    state.opened += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    // Neither side ends by itself: it tells the end of the client's.
    socket.on('end', () => socket.destroy())
    accept(socket)
  })
  state.close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  await new Promise<void>((resolve) => server.listen(state.port, '127.0.0.1', resolve))
  return state
}

const settings = { connectTimeout: 300, acquireTimeout: 1_000, backOff: { firstMs: 50, maxMs: 50 } }
const urlOf = (port: number) => `postgres://u:p@127.0.0.1:${port}/d`

describe.each(driverNames)('over %s', (driver) => {
  test('an attempt that gets no answer ends at connectTimeout, and its socket with it', async () => {
    const hole = await impostor((socket) => socket.resume())
    const { pool, end } = await realPool(urlOf(hole.port), { driver, settings })
    expect(await outcome(pool.query('SELECT 1', [], { timeoutMs: 400 }))).toBe('POOL_TIMEOUT')
    // Never more than the attempt under way, however long it goes on; a busy machine sees an end after the next attempt.
    let [most, last] = [0, 0]
    const untilMs = systemClock.monotonic() + 2_500
    while (systemClock.monotonic() < untilMs) {
      most = Math.max(most, Math.min(last, hole.sockets.size))
      last = hole.sockets.size
      await systemClock.sleep(20)
    }
    expect(hole.opened).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(1)
    await end()
    expect(await eventually(() => hole.sockets.size === 0)).toBe(true)
    hole.close()
  })

  test('a server that closes what it accepts is tried by the pool alone, with its pauses', async () => {
    const door = await impostor((socket) => socket.destroy())
    const { pool, end } = await realPool(urlOf(door.port), {
      driver,
      settings: { ...settings, acquireTimeout: 20_000 },
    })
    expect(await codeOf(await pool.query('SELECT 1').catch((thrown: unknown) => thrown))).toBe('POOL_UNAVAILABLE')
    door.opened = 0
    await systemClock.sleep(1_000)
    expect(door.opened).toBeLessThanOrEqual(1_000 / 25 + 2)
    await end()
    await systemClock.sleep(50)
    const before = door.opened
    await systemClock.sleep(500)
    expect(door.opened).toBe(before)
    door.close()
  })
})
