/** PURE. What the hit ratio would be with another size: least-recently-used shadows of one key in 16. */

const oneIn = 16

/** @returns whether a key is among those watched */
export const isSampled = (key: string): boolean => Bun.hash.crc32(key) % oneIn === 0

class Shadow {
  hits = 0
  private readonly keys = new Set<string>()
  constructor(private readonly capacity: number) {}
  use(key: string): void {
    if (this.keys.delete(key)) this.hits += 1
    this.keys.add(key)
    if (this.keys.size <= this.capacity) return
    for (const oldest of this.keys) {
      this.keys.delete(oldest)
      return
    }
  }
}

export class Ghosts {
  private lookups = 0
  private readonly shadows: readonly Shadow[]
  constructor(maxEntries: number) {
    this.shadows = [0.5, 2, 4].map((factor) => new Shadow(Math.max(1, Math.round((maxEntries * factor) / oneIn))))
  }
  use(key: string): void {
    this.lookups += 1
    for (const shadow of this.shadows) shadow.use(key)
  }
  estimate(): { half: number; double: number; quadruple: number } {
    const [half = 0, double = 0, quadruple = 0] = this.shadows.map(({ hits }) => hits / Math.max(1, this.lookups))
    return { half, double, quadruple }
  }
}
