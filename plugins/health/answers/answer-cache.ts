/** Keeps written answers for a moment, so that asking often costs little: they hold the time at which they were made. */

/** How long an answer may be given again, in milliseconds. A change of any status ends it at once. */
const keepMs = 100

/** How many different answers are kept. */
const maxAnswers = 32

export interface Answer {
  readonly status: 200 | 503
  readonly body: string
}

export class AnswerCache {
  private answers = new Map<string, { readonly answer: Answer; readonly untilMs: number }>()

  /** @param now milliseconds, of any origin */
  constructor(private readonly now: () => number) {}

  /** @param key what tells this answer from others @returns the kept answer, or a new one */
  of(key: string, make: () => Answer): Answer {
    const nowMs = this.now()
    const kept = this.answers.get(key)
    if (kept !== undefined && nowMs < kept.untilMs) return kept.answer
    if (this.answers.size >= maxAnswers) this.clear()
    const answer = make()
    this.answers.set(key, { answer, untilMs: nowMs + keepMs })
    return answer
  }

  clear(): void {
    this.answers.clear()
  }
}
