/** The answers of the last moment, which are repeated so that frequent requests cost little. */

/** How long an answer is repeated, in milliseconds. A key with the version shows a change of status immediately. */
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

  /** @param key distinguishes this answer from others @returns the kept answer, or a new one */
  of(key: string, make: () => Answer): Answer {
    const nowMs = this.now()
    const kept = this.answers.get(key)
    if (kept !== undefined && nowMs < kept.untilMs) return kept.answer
    if (this.answers.size >= maxAnswers) this.answers.clear()
    const answer = make()
    this.answers.set(key, { answer, untilMs: nowMs + keepMs })
    return answer
  }
}
