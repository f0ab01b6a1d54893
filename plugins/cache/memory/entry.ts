/** PURE. An entry of the memory tier, and its size. */

import type { GroupCounts } from '../api.ts'
import type { EntryTimes } from '../entry-times.ts'
import type { Resident } from './s3-fifo.ts'

export class Entry implements Resident {
  previous: this | undefined = undefined
  next: this | undefined = undefined
  uses = 0
  inMain = false
  /** Earliest time for the next background refresh. */
  retryAtMs = 0
  /** The value as a promise, made at the first hit and returned by all later hits. */
  settled: Promise<unknown> | undefined = undefined
  readonly createdMs: number
  readonly freshUntilMs: number
  readonly staleUntilMs: number

  /**
   * @param sequence place among invalidations at which the load began
   * @param sampled whether the ghosts watch the key
   */
  constructor(
    readonly key: string,
    readonly value: unknown,
    readonly tags: readonly string[],
    times: EntryTimes,
    readonly sequence: number,
    readonly bytes: number,
    public sampled: boolean,
    public group: GroupCounts | undefined = undefined,
  ) {
    this.createdMs = times.createdMs
    this.freshUntilMs = times.freshUntilMs
    this.staleUntilMs = times.staleUntilMs
  }
}

/** Bytes of an entry beside its key and value. */
export const entryOverheadBytes = 200

/** @param value anything @returns a rough size in bytes; looks at 1,000 parts at most */
export function estimateBytes(value: unknown): number {
  let bytes = 0
  let parts = 0
  const stack = [value]
  while (stack.length > 0 && parts < 1_000) {
    const item = stack.pop()
    parts += 1
    if (typeof item === 'string') bytes += 16 + item.length * 2
    else if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) bytes += 64 + item.byteLength
    else if (typeof item === 'object' && item !== null) {
      bytes += 32
      if (item instanceof Map) for (const pair of item) stack.push(pair[0], pair[1])
      else if (item instanceof Set) for (const one of item) stack.push(one)
      else for (const key in item) stack.push((item as Record<string, unknown>)[key])
    } else bytes += 8
  }
  return bytes + stack.length * 32
}
