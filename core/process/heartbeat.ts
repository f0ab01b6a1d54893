/** The memory that the main thread and the watchdog's worker share. Pure; imported on both sides. */

const lastBeat = 0
const pauseUntil = 1

/** @param nowMs the first beat @returns memory for two epoch times in ms */
export function createHeartbeat(nowMs: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(16)
  beat(memory, nowMs)
  return memory
}

const store = (memory: SharedArrayBuffer, slot: number, ms: number): void => {
  Atomics.store(new BigInt64Array(memory), slot, BigInt(Math.trunc(ms)))
}

export const beat = (memory: SharedArrayBuffer, nowMs: number) => store(memory, lastBeat, nowMs)
/** The main loop announces a stall that ends at `untilMs` at the latest. */
export const announce = (memory: SharedArrayBuffer, untilMs: number) => store(memory, pauseUntil, untilMs)
export const endPause = (memory: SharedArrayBuffer) => store(memory, pauseUntil, 0)

/** @returns epoch ms of the last beat, and of the end of an announced stall (0: none) */
export function readHeartbeat(memory: SharedArrayBuffer): { lastBeatMs: number; pauseUntilMs: number } {
  const view = new BigInt64Array(memory)
  return { lastBeatMs: Number(Atomics.load(view, lastBeat)), pauseUntilMs: Number(Atomics.load(view, pauseUntil)) }
}
