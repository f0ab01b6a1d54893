/**
 * The request path with one of two clocks: `performance.now()`, and `clock_gettime` of the C library through `bun:ffi`.
 * Each variant runs its own copy of the code: the JIT inlines the clock into the wrapper.
 */
import { dlopen, FFIType, ptr } from 'bun:ffi'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Fetch, Variant } from './variant.ts'

/** clockid_t of Linux. */
const bootTime = 7

/** @returns a function that reads the milliseconds since boot. Linux with glibc only */
function openKernelClock(): () => number {
  // struct timespec { int64 seconds; int64 nanoseconds }, 64-bit little-endian.
  const words = new Int32Array(new ArrayBuffer(16))
  const { clock_gettime: read } = dlopen('libc.so.6', {
    clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
  }).symbols
  const timespec = ptr(words)
  return () => {
    read(bootTime, timespec)
    return words[0]! * 1_000 + words[2]! * 1e-6
  }
}

/** @returns a copy of core/requests/request-path.ts that shares no function with another copy */
async function copyOfRequestPath(): Promise<typeof import('../../../core/requests/request-path.ts')> {
  const outdir = mkdtempSync(join(tmpdir(), 'arkwatch-overhead-'))
  process.on('exit', () => rmSync(outdir, { recursive: true, force: true }))
  const entry = join(import.meta.dir, '../../../core/requests/request-path.ts')
  const { outputs } = await Bun.build({ entrypoints: [entry], outdir, target: 'bun' })
  return import(outputs[0]!.path)
}

const withClock = (name: string, openClock: () => () => number): Variant => ({
  name,
  unlisted: true,
  async open(app) {
    const { createRequestPath } = await copyOfRequestPath()
    const log = { error: console.error, warn: console.error } as never
    const after = (ms: number, call: () => void) => {
      const timer = setTimeout(call, ms)
      return () => clearTimeout(timer)
    }
    const path = createRequestPath({ log, clock: { monotonic: openClock(), after } })
    const sums = new Float64Array(64)
    const observe = ({ id }: { id: number }, _: number, durationMs: number) => {
      sums[id]! += durationMs
    }
    const isUp = () => true
    path.setHooks([{ plugin: 'bench', hooks: { observe }, isUp, failed: console.error, removed: console.error }])
    return path.wrapHono(app()) as Fetch
  },
})

export const clocks: readonly Variant[] = [
  withClock('performance.now', () => () => performance.now()),
  withClock('kernel clock', openKernelClock),
]
