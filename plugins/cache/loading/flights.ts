/** PURE. Work under way, one for each key; what is invalidated meanwhile must not be kept when it comes. */

export class Flight<T = unknown> {
  /** Its key was invalidated: those who wait get what comes, nobody else does. */
  doomed = false
  result: Promise<T> | undefined
  /** @param sequence its place among invalidations */
  constructor(readonly sequence: number) {}
}

export class Flights<T = unknown> {
  private readonly under = new Map<string, Flight<T>>()

  get size(): number {
    return this.under.size
  }

  /** The work that whoever asks now may share. */
  of(key: string): Flight<T> | undefined {
    return this.under.get(key)
  }

  /** Notes that work on a key begins. Whoever calls sets `result`, and releases it. */
  hold(key: string, sequence: number): Flight<T> {
    const flight = new Flight<T>(sequence)
    this.under.set(key, flight)
    return flight
  }

  /** Notes that it ended; whoever asks from now on begins anew. */
  release(key: string, flight: Flight<T>): void {
    if (this.under.get(key) === flight) this.under.delete(key)
  }

  /** Begins work on a key, and ends it when the promise settles. */
  begin(key: string, sequence: number, work: (flight: Flight<T>) => Promise<T>): Flight<T> {
    const flight = this.hold(key, sequence)
    const end = () => this.release(key, flight)
    flight.result = Promise.resolve().then(() => work(flight))
    flight.result.then(end, end)
    return flight
  }

  doom(key: string): void {
    const flight = this.under.get(key)
    if (flight === undefined) return
    flight.doomed = true
    this.under.delete(key)
  }

  doomAll(matches: (key: string) => boolean): void {
    for (const key of [...this.under.keys()]) if (matches(key)) this.doom(key)
  }
}
