/** Opens the audit log, now or as soon as the store can be used, and keeps it tidy. */
import { join } from 'node:path'
import { type Logger, messageOf, type PluginClock, readOrMakeSecret } from '../../core/plugin.ts'
import type { Store, StoreArea } from '../store/api.ts'
import type { Checkpoint } from './chain/chain.ts'
import { HeadFile } from './chain/head-file.ts'
import { createSigner, makeSigningKey, type Signer } from './chain/signer.ts'
import { auditError } from './errors.ts'
import { AuditLog } from './journal/audit-log.ts'
import type { FileSink } from './journal/file-sink.ts'
import { auditMigration, Journal, maxRecordBytes } from './journal/journal.ts'

export interface AuditInstanceOptions {
  readonly store: Store
  /** The directory of the key `data`. */
  readonly dataDir: string
  readonly clock: PluginClock
  readonly log: Logger
  readonly sink: FileSink | undefined
  /** The journal in force after this instance was replaced; undefined without one. */
  successor(): Journal | undefined
  /** Called with what is wrong with a part of the log; undefined once the part works again. */
  onProblem(part: 'records' | 'writing' | 'end', problem: string | undefined): void
}

const retryMs = 10_000
const pruneEveryMs = 3_600_000
const checkpointLogMs = 3_600_000

export class AuditInstance {
  readonly journal: Journal
  #area: StoreArea | undefined
  #signer: Signer | undefined
  readonly log: AuditLog
  readonly #head: HeadFile
  /** The last record could not be written. */
  #refusing = false

  /** Opens nothing. */
  constructor(private readonly options: AuditInstanceOptions) {
    const { dataDir, clock, sink, successor, onProblem } = options
    this.#head = new HeadFile(join(dataDir, 'audit.head'), (error) =>
      onProblem('end', error === undefined ? undefined : `audit.head: ${messageOf(error)}`),
    )
    this.journal = new Journal({
      area: () => this.#area,
      now: clock.now,
      written: (link, lines) => {
        this.#refusing = false
        this.#head.put(this.#signer!.sign('head', link, clock.now()))
        sink?.add(lines)
        this.log.notify(lines)
        onProblem('writing', undefined)
      },
      failed: (reason) => {
        this.#refusing = true
        onProblem('writing', `changes are refused while nothing can be recorded: ${reason}`)
      },
    })
    const parts = { journal: this.journal, head: this.#head, area: () => this.#area, now: clock.now, successor }
    const followerFailed = (error: unknown) => options.log.error('a follower of the audit log threw', { error })
    this.log = new AuditLog({ ...parts, signer: () => this.#started(), followerFailed })
  }

  #started(): Signer {
    if (this.#signer === undefined)
      throw auditError('AUDIT_UNAVAILABLE', { reason: 'the plugin audit has not started' })
    return this.#signer
  }

  /** @throws AUDIT_KEY, STORE_MIGRATION_FAILED */
  async start(keyFile: string, retentionMs: number): Promise<void> {
    const { clock, log } = this.options
    try {
      const { text, made } = readOrMakeSecret(keyFile, makeSigningKey)
      this.#signer = createSigner(text)
      if (made) log.info('a signing key was made', { file: keyFile, publicKey: this.#signer.publicKey })
    } catch (error) {
      throw auditError('AUDIT_KEY', { file: keyFile, reason: messageOf(error) }, error)
    }
    if (!(await this.#open())) {
      const stop = clock.every(retryMs, async () => {
        if (await this.#open()) stop()
      })
    }
    clock.every(retryMs, async () => {
      this.#head.retry()
      this.options.sink?.retry()
      await this.#tryWriting()
    })
    clock.every(pruneEveryMs, async () => {
      while (this.#area !== undefined && (await this.log.prune(clock.now() - retentionMs)) > 0);
    })
    let logged = 0
    clock.every(checkpointLogMs, () => {
      // A copy of the signed end in the log: whoever changes the files here does not change what was shipped.
      const { head } = this.journal
      if (head.seq === logged) return
      logged = head.seq
      log.info('audit checkpoint', { ...this.#signer!.sign('head', head, clock.now()) })
    })
  }

  async #open(): Promise<boolean> {
    const { store, onProblem } = this.options
    try {
      this.#area = await store.area({ name: 'audit', migrations: [auditMigration] })
      await this.#signBeginning()
      const lost = await this.log.lost()
      if (lost === undefined && (await this.#head.aside()).length === 0) onProblem('records', undefined)
      else await this.#sayLost(lost)
      return true
    } catch (error) {
      if ((error as { code?: string }).code !== 'STORE_UNAVAILABLE') throw error
      onProblem('records', `changes are refused while nothing can be recorded: ${messageOf(error)}`)
      return false
    }
  }

  /** After a failure, writes and removes the largest record: nothing else would show that records can be written. */
  async #tryWriting(): Promise<void> {
    if (!this.#refusing || this.#area === undefined) return
    const insert = "INSERT INTO audit_records (seq, time_ms, hash, record) VALUES (0, 0, '', hex(zeroblob(?)))"
    try {
      const remove = 'DELETE FROM audit_records WHERE seq = 0'
      await this.#area.write([{ sql: insert, params: [maxRecordBytes / 2] }, { sql: remove }])
    } catch {
      return
    }
    this.#refusing = false
    this.options.onProblem('writing', undefined)
  }

  /** Before the first record there is a signed end already: a kill right after it leaves nothing to miss. */
  async #signBeginning(): Promise<void> {
    const { head } = this.journal
    if (head.seq !== 0 || this.#head.read() !== undefined) return
    this.#head.put(this.#signer!.sign('head', head, this.options.clock.now()))
    await this.#head.flush()
  }

  /** Records are gone that were signed: said here, in the log, on record, and by each verification from now on. */
  async #sayLost(lost: Checkpoint | undefined): Promise<void> {
    const { onProblem, log } = this.options
    onProblem('records', 'records that were signed are missing: run `arkwatch audit verify`')
    if (lost === undefined) return
    const file = await this.#head.setAside(lost)
    const found = this.journal.head.seq
    log.error('records are missing at the end of the audit log', { signed: lost.seq, found, file })
    const principal = { name: 'arkwatch', role: 'system' }
    const event = { action: 'audit.tail-missing', target: String(lost.seq), from: 'local', requestId: 'start' }
    await this.log.record({ principal, ...event }, 'found')
  }

  /** Writes what waits. Safe without start and twice. */
  async stop(): Promise<void> {
    await this.journal.flush()
    await this.#head.flush()
    await this.options.sink?.close()
  }
}
