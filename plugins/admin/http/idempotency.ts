/** Answers a repeated POST as the first time. In memory, bounded. */
import { createHash } from 'node:crypto'
import { adminError } from '../errors.ts'

export const maxIdempotencyKeys = 1_000
const maxKeptBytes = 64 * 1024

interface Kept {
  readonly fingerprint: string
  readonly atMs: number
  /** Undefined while the first request is in progress. */
  answer: { readonly status: number; readonly headers: [string, string][]; readonly body: string } | undefined
}

/** Not repeated with an answer: they belong to the one response. */
const ofTheResponse = /^(date|x-request-id|ratelimit.*)$/

/** @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ */
export class Idempotency {
  readonly #kept = new Map<string, Kept>()

  /** @param keepMs how long an answer is kept */
  constructor(
    private readonly keepMs: number,
    private readonly now: () => number,
  ) {}

  get size(): number {
    return this.#kept.size
  }

  /** Runs a request once. @throws ADMIN_IDEMPOTENCY_REUSED, ADMIN_IDEMPOTENCY_BUSY, ADMIN_IDEMPOTENCY_FULL */
  async once(owner: string, key: string, request: readonly string[], run: () => Promise<Response>): Promise<Response> {
    const id = JSON.stringify([owner, key])
    const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('base64')
    this.#forget()
    const known = this.#kept.get(id)
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) throw adminError('ADMIN_IDEMPOTENCY_REUSED')
      if (known.answer === undefined) throw adminError('ADMIN_IDEMPOTENCY_BUSY')
      const { status, headers, body } = known.answer
      return new Response(body, { status, headers: [...headers, ['idempotency-replayed', 'true']] })
    }
    if (this.#kept.size >= maxIdempotencyKeys) throw adminError('ADMIN_IDEMPOTENCY_FULL', { limit: maxIdempotencyKeys })
    const entry: Kept = { fingerprint, atMs: this.now(), answer: undefined }
    this.#kept.set(id, entry)
    try {
      const response = await run()
      const body = response.body === null ? '' : await response.clone().text()
      // A fault of ours may be gone the next time, and is worth another try.
      if (response.status >= 500 || response.status === 429 || body.length > maxKeptBytes) this.#kept.delete(id)
      else {
        const headers = [...response.headers].filter(([name]) => !ofTheResponse.test(name))
        entry.answer = { status: response.status, headers, body }
      }
      return response
    } catch (error) {
      this.#kept.delete(id)
      throw error
    }
  }

  #forget(): void {
    const oldest = this.now() - this.keepMs
    for (const [id, { atMs, answer }] of this.#kept) {
      const isFull = this.#kept.size >= maxIdempotencyKeys
      if (answer !== undefined && (atMs <= oldest || isFull)) this.#kept.delete(id)
      else if (!isFull && atMs > oldest) break
    }
  }
}
