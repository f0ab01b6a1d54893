/** Whether monitoring is paused, and the moment of its resumption. Pure. */
export class Pause {
  #resumed: PromiseWithResolvers<void> | undefined

  constructor(isPaused: boolean) {
    if (isPaused) this.pause()
  }

  get isPaused(): boolean {
    return this.#resumed !== undefined
  }

  pause(): void {
    this.#resumed ??= Promise.withResolvers()
  }

  resume(): void {
    this.#resumed?.resolve()
    this.#resumed = undefined
  }

  /** @returns resolves when monitoring resumes; undefined while monitoring is not paused */
  get over(): Promise<void> | undefined {
    return this.#resumed?.promise
  }
}
