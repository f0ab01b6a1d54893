/** Long work: started by a request, watched and cancelled by others, and not forgotten when the process ends. */
import { randomUUID } from 'node:crypto'
import { types } from 'node:util'
import { ArkwatchError, type Clock, guardListeners, type Logger, messageOf, withDeadline } from '../../core/plugin.ts'
import type { StoreArea } from '../store/api.ts'
import type { JobContext, JobFile, JobOutcome } from './api.ts'
import { adminError } from './errors.ts'

export type JobState = 'running' | 'done' | 'failed' | 'cancelled'

export interface Job {
  readonly id: string
  /** What it does, `support-bundle`. */
  readonly kind: string
  readonly owner: string
  readonly state: JobState
  /** Done, 0-1. */
  readonly progress: number
  readonly note: string
  readonly createdAtMs: number
  readonly endedAtMs: number | undefined
  readonly result: unknown
  readonly error: { readonly code: string; readonly message: string } | undefined
  readonly file: JobFile | undefined
}

type Row = Pick<Job, 'id' | 'kind' | 'owner' | 'state' | 'progress' | 'note' | 'createdAtMs'> & {
  readonly [Column in 'result' | 'error' | 'file']: string | null
} & { readonly endedAtMs: number | null }

const columns =
  'id, kind, owner, state, progress, note, created_ms AS createdAtMs, ended_ms AS endedAtMs, result, error, file'
export const maxRunningJobs = 4
const maxResultBytes = 64 * 1024
const maxUnkept = 100
/** How long a job may go on after its signal. */
const graceMs = 3_000

const parsed = (text: string | null) => (text === null ? undefined : JSON.parse(text))
const fromRow = ({ endedAtMs, result, error, file, ...row }: Row): Job => ({
  ...row,
  endedAtMs: endedAtMs ?? undefined,
  result: parsed(result),
  error: parsed(error),
  file: parsed(file),
})

const errorOf = (thrown: unknown): NonNullable<Job['error']> =>
  types.isNativeError(thrown) && thrown instanceof ArkwatchError
    ? { code: thrown.code, message: messageOf(thrown) }
    : { code: 'INTERNAL', message: 'a fault; the log has the reason' }

export class Jobs {
  readonly #running = new Map<string, { job: Job; controller: AbortController; ended: Promise<void> }>()
  /** Those whose end could not be written; written with the next look at jobs. */
  readonly #unkept = new Map<string, Job>()

  constructor(
    private readonly options: {
      readonly area: Pick<StoreArea, 'get' | 'query' | 'write'>
      readonly log: Logger
      readonly clock: Clock
    },
  ) {}

  /** Ends, in the table, what was running when the process before this one ended. */
  async recover(): Promise<void> {
    const error = JSON.stringify({ code: 'INTERRUPTED', message: 'the process ended while the job was running' })
    const known = JSON.stringify([...this.#running.keys(), ...this.#unkept.keys()])
    const sql = `UPDATE admin_jobs SET state = 'failed', error = ?, ended_ms = ? WHERE state = 'running' AND id NOT IN (SELECT value FROM json_each(?))`
    await this.options.area.write([{ sql, params: [error, this.options.clock.now(), known] }])
  }

  get running(): number {
    return this.#running.size
  }

  /**
   * Starts a job. One that ignores its signal is given up {@link graceMs} after its end was asked for.
   * @param fault charges the plugin whose job it is
   * @throws ADMIN_JOB_LIMIT; STORE_UNAVAILABLE where it cannot be kept: nothing was started then
   */
  async start(
    kind: string,
    owner: string,
    run: (job: JobContext) => Promise<JobOutcome | undefined>,
    fault: (error: unknown) => void = () => {},
  ): Promise<Job> {
    const { area, clock } = this.options
    const { now } = clock
    if (this.#running.size >= maxRunningJobs) throw adminError('ADMIN_JOB_LIMIT', { limit: maxRunningJobs })
    const row = { id: randomUUID(), kind, owner, state: 'running', createdAtMs: now() } as const
    const job = fromRow({ ...row, progress: 0, note: '', endedAtMs: null, result: null, error: null, file: null })
    const controller = new AbortController()
    const ended = Promise.withResolvers<void>()
    const entry = { job, controller, ended: ended.promise }
    this.#running.set(job.id, entry)
    try {
      const sql = 'INSERT INTO admin_jobs (id, kind, owner, state, created_ms) VALUES (?, ?, ?, ?, ?)'
      await area.write([{ sql, params: Object.values(row) }])
    } catch (error) {
      this.#running.delete(job.id)
      throw error
    }
    const progress = (share: number, note = '') => {
      entry.job = { ...entry.job, progress: Math.min(1, Math.max(0, share || 0)), note: messageOf(note).slice(0, 200) }
    }
    const finish = async (outcome: Partial<Job> & Pick<Job, 'state'>) => {
      entry.job = { ...entry.job, ...outcome, endedAtMs: now() }
      await this.#keep(entry.job)
      this.#running.delete(job.id)
      ended.resolve()
    }
    const failed = (error: unknown) => this.options.log.error('a job failed', { job: job.id, kind, error })
    const signal = guardListeners(controller.signal, failed)
    const outcomeOf = async (): Promise<Partial<Job> & Pick<Job, 'state'>> => {
      try {
        const { file, result } = (await run({ signal, progress })) ?? {}
        const kept = { ...(file && { file: JSON.parse(JSON.stringify(file)) as JobFile }) }
        if (signal.aborted) return { state: 'cancelled', ...kept }
        const json = JSON.stringify(result) ?? 'null'
        if (Buffer.byteLength(json) <= maxResultBytes)
          return { state: 'done', progress: 1, result: JSON.parse(json), ...kept }
        const message = `its result is over ${maxResultBytes} bytes`
        return { state: 'failed', error: { code: 'RESULT_TOO_LARGE', message } }
      } catch (thrown) {
        if (signal.aborted) return { state: 'cancelled' }
        failed(thrown)
        return { state: 'failed', error: errorOf(thrown) }
      }
    }
    const outcome = outcomeOf()
    const outcomeInTime = async () => {
      const asked = new Promise((resolve) => controller.signal.addEventListener('abort', resolve, { once: true }))
      await Promise.race([outcome, asked])
      const late = () => adminError('ADMIN_JOB_IGNORES_SIGNAL', { kind, graceMs })
      return withDeadline(outcome, graceMs, clock, late).catch((error) => {
        fault(error)
        return { state: 'cancelled', error: errorOf(error) } as const
      })
    }
    void outcomeInTime().then(finish)
    return job
  }

  async #keep(job: Job): Promise<void> {
    const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value))
    const sql =
      'UPDATE admin_jobs SET state = ?, progress = ?, note = ?, ended_ms = ?, result = ?, error = ?, file = ? WHERE id = ?'
    const { state, progress, note, endedAtMs = null } = job
    const params = [state, progress, note, endedAtMs, json(job.result), json(job.error), json(job.file), job.id]
    try {
      await this.options.area.write([{ sql, params }])
      this.#unkept.delete(job.id)
    } catch (error) {
      if (!this.#unkept.has(job.id))
        this.options.log.error('the end of a job could not be kept', { job: job.id, error })
      this.#unkept.set(job.id, job)
      for (const id of [...this.#unkept.keys()].slice(0, -maxUnkept)) this.#unkept.delete(id)
    }
  }

  /** The job of a row, or what is known of it since the row was written. */
  #latest(id: string): Job | undefined {
    const unkept = this.#unkept.get(id)
    if (unkept !== undefined) void this.#keep(unkept)
    return this.#running.get(id)?.job ?? unkept
  }

  /** @throws ADMIN_NOT_FOUND */
  async find(id: string): Promise<Job> {
    const latest = this.#latest(id)
    if (latest !== undefined) return latest
    const row = this.options.area.get<Row>(`SELECT ${columns} FROM admin_jobs WHERE id = ?`, [id])
    if (row !== undefined) return fromRow(row)
    const where = 'GET /admin/jobs lists those that are kept, for 30 days.'
    throw adminError('ADMIN_NOT_FOUND', { what: 'such job', where })
  }

  /** Newest first. @param after only those that come after this one in that order */
  async list(limit: number, after?: Pick<Job, 'createdAtMs' | 'id'>): Promise<readonly Job[]> {
    const atMs = after?.createdAtMs ?? Number.MAX_SAFE_INTEGER
    const rows = await this.options.area.query<Row>(
      `SELECT ${columns} FROM admin_jobs WHERE created_ms < ? OR (created_ms = ? AND id > ?) ORDER BY created_ms DESC, id`,
      [atMs, atMs, after?.id ?? ''],
      limit,
    )
    return rows.map((row) => this.#latest(row.id) ?? fromRow(row))
  }

  /** Asks a running job to end. @returns the job, which may still be running @throws ADMIN_NOT_FOUND */
  async cancel(id: string): Promise<Job> {
    this.#running.get(id)?.controller.abort()
    return this.find(id)
  }

  /** Cancels what runs, and waits for it. */
  async stop(): Promise<void> {
    const all = [...this.#running.values()]
    for (const { controller } of all) controller.abort()
    await Promise.all(all.map(({ ended }) => ended))
  }
}
