/** PURE. The last invalidation of each tag, as a place in a sequence. Bounded: a forgotten place holds for all tags. */

export class Tags {
  private sequence = 0
  private floor = 0
  private readonly invalidated = new Map<string, number>()
  /** @param max tags that are remembered each */
  constructor(public max: number) {}

  /** The place of a load that begins now. */
  get now(): number {
    return this.sequence
  }
  get size(): number {
    return this.invalidated.size
  }

  invalidate(tag: string): void {
    this.sequence += 1
    this.invalidated.delete(tag)
    this.invalidated.set(tag, this.sequence)
    for (const [oldest, at] of this.invalidated) {
      if (this.invalidated.size <= this.max) return
      this.invalidated.delete(oldest)
      this.floor = at
    }
  }

  /** @param sequence place at which a load began @returns whether one of the tags was invalidated since */
  isStale(tags: readonly string[], sequence: number): boolean {
    if (tags.length === 0) return false
    if (sequence < this.floor) return true
    for (const tag of tags) if ((this.invalidated.get(tag) ?? 0) > sequence) return true
    return false
  }
}
