/** The line of one request, encoded by hand. Pure; runs in the access log's worker. */

export interface RouteName {
  readonly method: string
  readonly pattern: string
}

/** Encodes lines; keeps what is the same from line to line. */
export class AccessLineEncoder {
  readonly #routes: (string | undefined)[] = []
  #second = Number.NaN
  #head = ''

  setRoute(id: number, { method, pattern }: RouteName): void {
    this.#routes[id] = `Z","method":${JSON.stringify(method)},"route":${JSON.stringify(pattern)},"status":`
  }

  knows(id: number): boolean {
    return this.#routes[id] !== undefined
  }

  /** @param endedMs epoch milliseconds @param more further members, beginning with a comma @returns the line with its line end */
  encode(routeId: number, status: number, durationMs: number, endedMs: number, more = ''): string {
    const second = Math.floor(endedMs / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#head = `{"timestamp":"${new Date(second * 1_000).toISOString().slice(0, 20)}`
    }
    const ms = Math.floor(endedMs) - second * 1_000
    const zeros = ms < 10 ? '00' : ms < 100 ? '0' : ''
    const route = this.#routes[routeId] ?? 'Z","method":"_OTHER","route":"__unknown","status":'
    const duration = Math.round(durationMs * 1_000) / 1_000
    return `${this.#head}${zeros}${ms}${route}${status},"durationMs":${duration}${more}}\n`
  }
}

/** @param url absolute @returns its path, without query and fragment */
export function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  if (start < 0) return '/'
  for (let at = start; at < url.length; at += 1) {
    const code = url.charCodeAt(at)
    if (code === 63 || code === 35) return url.slice(start, at)
  }
  return url.slice(start)
}
