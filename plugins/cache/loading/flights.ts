/** PURE. Single flight: the work in progress, one for each key. */

export class Flight<T = unknown> {
  /** The key was invalidated: callers that joined before get the result, which is not kept. */
  mustNotKeep = false
  /** Settles when Redis holds the result. */
  stored: Promise<void> | undefined
  result!: Promise<T>
  /** @param sequence place among invalidations at which the work began */
  constructor(readonly sequence: number) {}
}

export class Flights<T = unknown> {
  private readonly inProgress = new Map<string, Flight<T>>()

  get size(): number {
    return this.inProgress.size
  }

  /** The work in progress that a caller may join. */
  of(key: string): Flight<T> | undefined {
    return this.inProgress.get(key)
  }

  /** @param work must not look for its own flight before it returns */
  begin(key: string, sequence: number, work: (flight: Flight<T>) => Promise<T>): Promise<T> {
    const flight = new Flight<T>(sequence)
    this.inProgress.set(key, flight)
    flight.result = work(flight)
    const end = () => {
      if (this.inProgress.get(key) === flight) this.inProgress.delete(key)
    }
    flight.result.then(end, end)
    return flight.result
  }

  /** The result of the work in progress is not kept; later callers begin new work. */
  invalidate(key: string): void {
    const flight = this.inProgress.get(key)
    if (flight === undefined) return
    flight.mustNotKeep = true
    this.inProgress.delete(key)
  }

  invalidateMatching(matches: (key: string) => boolean): void {
    for (const key of [...this.inProgress.keys()]) if (matches(key)) this.invalidate(key)
  }
}
