/** Whether monitoring stands still, and the moment at which it goes on. Pure. */

export class Pause {
  #going: PromiseWithResolvers<void> | undefined

  constructor(isPaused: boolean) {
    if (isPaused) this.pause()
  }

  get isPaused(): boolean {
    return this.#going !== undefined
  }

  pause(): void {
    this.#going ??= Promise.withResolvers()
  }

  resume(): void {
    this.#going?.resolve()
    this.#going = undefined
  }

  /** @returns resolves when monitoring goes on, or undefined where it does */
  get over(): Promise<void> | undefined {
    return this.#going?.promise
  }
}
