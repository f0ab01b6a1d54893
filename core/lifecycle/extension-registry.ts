/** The present contributions of every extension point. */
import type { Contributed, Contribution, ExtensionPoint, Extensions } from '../contract/tokens.ts'

interface Point {
  all: readonly Contributed<unknown>[]
  readonly listeners: Set<() => void>
}

export class ExtensionRegistry {
  readonly #points = new Map<string, Point>()
  #held: Set<Point> | undefined

  #point(id: string): Point {
    const point = this.#points.get(id) ?? { all: [], listeners: new Set() }
    this.#points.set(id, point)
    return point
  }

  #changed(point: Point): void {
    if (this.#held) this.#held.add(point)
    else for (const listener of [...point.listeners]) listener()
  }

  /** @param fault reports an error of the value to its instance @returns removes the contribution */
  add(plugin: string, contribution: Contribution, fault: (error: unknown) => void): () => void {
    const point = this.#point(contribution.point)
    const entry = { plugin, value: contribution.value, fault }
    point.all = [...point.all, entry]
    this.#changed(point)
    return () => {
      point.all = point.all.filter((other) => other !== entry)
      this.#changed(point)
    }
  }

  /** Makes many changes that listeners see as one. */
  together(change: () => void): void {
    this.#held = new Set()
    try {
      change()
    } finally {
      const held = this.#held
      this.#held = undefined
      for (const point of held) this.#changed(point)
    }
  }

  /** The live list of one point. */
  of<T>({ id }: ExtensionPoint<T>): Extensions<T> {
    const point = this.#point(id)
    return {
      get all() {
        return point.all as readonly Contributed<T>[]
      },
      onChange(listener) {
        point.listeners.add(listener)
        return () => point.listeners.delete(listener)
      },
    }
  }
}
