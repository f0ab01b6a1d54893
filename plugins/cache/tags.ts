/** PURE. When each tag was invalidated last, as a place in a sequence. Bounded: what is forgotten counts for all tags. */

export class Tags {
  private sequence = 0
  private floor = 0
  private readonly invalidated = new Map<string, number>()
  constructor(private readonly max: number) {}

  /** The place of a load that begins now. */
  get now(): number {
    return this.sequence
  }

  invalidate(tag: string): void {
    this.sequence += 1
    this.invalidated.delete(tag)
    this.invalidated.set(tag, this.sequence)
    if (this.invalidated.size <= this.max) return
    for (const [oldest, at] of this.invalidated) {
      this.invalidated.delete(oldest)
      this.floor = at
      return
    }
  }

  /** @param sequence the place at which the load of an entry began @returns whether one of its tags was invalidated since */
  isStale(tags: readonly string[], sequence: number): boolean {
    if (tags.length === 0) return false
    if (sequence < this.floor) return true
    for (const tag of tags) if ((this.invalidated.get(tag) ?? 0) > sequence) return true
    return false
  }
}
