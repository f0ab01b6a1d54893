/** The kernel's clock, read through the C library: at less than a third of the machine code that `performance.now()` runs. */
import { dlopen, FFIType, ptr } from 'bun:ffi'

/** clockid_t of Linux: never goes back, and goes on while the machine sleeps, as `performance.now()` does on Bun. */
const bootTime = 7
/** glibc, and musl as Alpine names it. */
const libraries = ['libc.so.6', 'libc.so']

/**
 * @returns reads the milliseconds since the machine was booted, with nanoseconds in the fraction; undefined where the C
 * library cannot be called: on other systems, and in worker threads, where it is not worth it
 * @see clock_gettime(2)
 */
export function openKernelClock(): (() => number) | undefined {
  if (process.platform !== 'linux' || !Bun.isMainThread) return undefined
  // struct timespec { int64 seconds; int64 nanoseconds } on the 64-bit little-endian machines that Bun runs on. The buffer is
  // made first: a typed array without one may move its memory when it is asked for it.
  const words = new Int32Array(new ArrayBuffer(16))
  for (const library of libraries) {
    try {
      const { clock_gettime: read } = dlopen(library, {
        clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
      }).symbols
      const timespec = ptr(words)
      if (read(bootTime, timespec) !== 0) return undefined
      return () => {
        read(bootTime, timespec)
        return words[0]! * 1_000 + words[2]! * 1e-6
      }
    } catch {}
  }
  return undefined
}
