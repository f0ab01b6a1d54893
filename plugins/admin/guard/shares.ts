/** Places that callers share. One caller takes at most half of them, and keeps nobody else out. */
import type { ArkwatchError } from '../../../core/plugin.ts'

export interface Caller {
  /** The id of a key, or an address. */
  readonly id: string
  /** For the refusal, `the key grafana`. */
  readonly name: string
}

export class Shares {
  readonly #taken = new Map<string, number>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /**
   * @param places how many there are
   * @param refuse makes the error where the places or the share of the caller are taken
   * @returns frees the place, once
   */
  take({ id, name }: Caller, places: number, refuse: (limit: number, caller: string) => ArkwatchError): () => void {
    const share = Math.ceil(places / 2)
    const own = this.#taken.get(id) ?? 0
    if (own >= share) throw refuse(share, name)
    if (this.#size >= places) throw refuse(places, 'all callers together')
    this.#set(id, own + 1)
    let isFree = false
    return () => {
      if (!isFree) this.#set(id, this.#taken.get(id)! - 1)
      isFree = true
    }
  }

  #set(id: string, count: number): void {
    this.#size += count - (this.#taken.get(id) ?? 0)
    if (count > 0) this.#taken.set(id, count)
    else this.#taken.delete(id)
  }
}

/** The caller with a valid key. */
export const callerOf = ({ keyId, name }: { readonly keyId: string; readonly name: string }): Caller => ({
  id: keyId,
  name: `the key ${name}`,
})
