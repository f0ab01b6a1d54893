/** The keys that are valid, in memory; what is made here is kept by a table. */
import { timingSafeEqual } from 'node:crypto'
import type { Principal, Role } from '../api.ts'
import { adminError } from '../errors.ts'
import { digestOf, infoOf, type KeyInfo, type KeyRecord, makeKey } from './key.ts'

/** Where keys that were made here are kept. */
export interface KeyTable {
  load(): Promise<readonly KeyRecord[]>
  /** Puts records there or replaces them by id. @throws where it cannot be kept: the key is then not valid */
  put(records: readonly KeyRecord[]): Promise<void>
  remove(id: string): Promise<void>
}

export interface KeyringOptions {
  readonly table: KeyTable
  readonly pepper: string
  groups(): Promise<readonly string[]>
  now(): number
}

export interface NewKey {
  readonly name: string
  readonly role: Role
  readonly scopes?: readonly string[]
  readonly expiresAtMs?: number
}

export interface MadeKey {
  readonly key: string
  readonly info: KeyInfo
}

export const maxKeys = 1_000
/** A key and the one that takes over from it. */
const maxPerName = 2

const isExpired = ({ expiresAtMs }: KeyRecord, nowMs: number) => expiresAtMs !== undefined && expiresAtMs <= nowMs

export class Keyring {
  readonly #byDigest = new Map<string, KeyRecord>()
  readonly #used = new Set<string>()
  readonly #listeners = new Set<(id: string) => void>()

  constructor(private readonly options: KeyringOptions) {}

  async load(): Promise<void> {
    for (const record of await this.options.table.load()) this.#byDigest.set(record.digest, record)
  }

  /** Takes a key that is kept elsewhere. */
  adopt(text: string, { name, role, source }: Pick<KeyRecord, 'name' | 'role' | 'source'>): void {
    const digest = digestOf(text, this.options.pepper)
    const createdAtMs = this.options.now()
    const unset = { expiresAtMs: undefined, lastUsedAtMs: undefined, scopes: [] }
    this.#byDigest.set(digest, { id: digest.slice(0, 12), name, role, source, createdAtMs, digest, ...unset })
  }

  get size(): number {
    return this.#byDigest.size
  }

  /** @returns whose key a text is. Takes the same time for every text that is none. */
  verify(text: string): Principal | undefined {
    const digest = digestOf(text, this.options.pepper)
    // Found by a keyed digest, which nobody outside can steer; the comparison is for the reader's peace of mind.
    const record = this.#byDigest.get(digest)
    const same = timingSafeEqual(Buffer.from(record?.digest ?? digest), Buffer.from(digest))
    const nowMs = this.options.now()
    if (record === undefined || !same || isExpired(record, nowMs)) return undefined
    this.#byDigest.set(digest, { ...record, lastUsedAtMs: nowMs })
    if (record.source === 'store') this.#used.add(digest)
    return { name: record.name, keyId: record.id, role: record.role, scopes: record.scopes }
  }

  isValid(id: string): boolean {
    const record = this.#find(id)
    return record !== undefined && !isExpired(record, this.options.now())
  }

  list(): readonly KeyInfo[] {
    return [...this.#byDigest.values()].map(infoOf).toSorted((a, b) => a.createdAtMs - b.createdAtMs)
  }

  #find(id: string): KeyRecord | undefined {
    return [...this.#byDigest.values()].find((record) => record.id === id)
  }

  /** Makes and keeps a key. @throws ADMIN_INVALID for unknown scopes, ADMIN_KEY_LIMIT, what the table throws */
  async create(asked: NewKey): Promise<MadeKey> {
    await this.#checkScopes(asked.scopes ?? [])
    return this.#make(asked)
  }

  async #make({ name, role, scopes = [], expiresAtMs }: NewKey | KeyRecord): Promise<MadeKey> {
    const nowMs = this.options.now()
    const valid = [...this.#byDigest.values()].filter((record) => !isExpired(record, nowMs))
    if (this.#byDigest.size >= maxKeys)
      throw adminError('ADMIN_KEY_LIMIT', { what: `there are ${maxKeys} keys already` })
    if (valid.filter((record) => record.name === name).length >= maxPerName)
      throw adminError('ADMIN_KEY_LIMIT', { what: `${maxPerName} keys named ${name} are valid already` })
    const { id, text } = makeKey()
    const digest = digestOf(text, this.options.pepper)
    const times = { createdAtMs: nowMs, expiresAtMs, lastUsedAtMs: undefined }
    const record: KeyRecord = { id, name, role, scopes, digest, source: 'store', ...times }
    await this.options.table.put([record])
    this.#byDigest.set(digest, record)
    return { key: text, info: infoOf(record) }
  }

  /** Refuses unknown scopes: a mistyped scope would make a key that may do nothing, without any error. */
  async #checkScopes(scopes: readonly string[]): Promise<void> {
    if (scopes.length === 0) return
    const groups = await this.options.groups()
    const unknown = scopes.filter((scope) => !groups.includes(scope))
    if (unknown.length === 0) return
    const detail = `no group of operations is named ${unknown.map((scope) => JSON.stringify(scope)).join(', ')}; there are ${groups.join(', ')}`
    throw adminError('ADMIN_INVALID', { errors: [{ pointer: '/scopes', detail }] })
  }

  /** Makes a key that takes over from another, valid for `graceMs` more. @throws ADMIN_NOT_FOUND, ADMIN_KEY_LIMIT */
  async rotate(id: string, graceMs: number): Promise<MadeKey> {
    const old = this.#kept(id)
    const made = await this.#make(old)
    const endsAtMs = Math.min(old.expiresAtMs ?? Number.POSITIVE_INFINITY, this.options.now() + graceMs)
    const ending = { ...old, expiresAtMs: endsAtMs }
    await this.options.table.put([ending])
    this.#byDigest.set(old.digest, ending)
    return made
  }

  /** @throws ADMIN_NOT_FOUND, or what the table throws */
  async revoke(id: string): Promise<KeyInfo> {
    const record = this.#kept(id)
    await this.options.table.remove(id)
    this.#byDigest.delete(record.digest)
    for (const listener of this.#listeners) listener(id)
    return infoOf(record)
  }

  #kept(id: string): KeyRecord {
    const record = this.#find(id)
    if (record?.source === 'store') return record
    const where =
      'GET /admin/keys lists them. A key of the source `file` ends when its file is deleted and admin restarted, one of `config` when it leaves the configuration.'
    throw adminError('ADMIN_NOT_FOUND', { what: 'key of this id that was made by the API', where })
  }

  onRevoke(listener: (id: string) => void): void {
    this.#listeners.add(listener)
  }

  /** Keeps when keys were last used, and forgets keys that expired longer than `keepMs` ago. */
  async flush(keepMs: number): Promise<void> {
    const used = [...this.#used].flatMap((digest) => this.#byDigest.get(digest) ?? [])
    this.#used.clear()
    if (used.length > 0) await this.options.table.put(used)
    for (const record of this.#byDigest.values()) {
      if (record.source === 'store' && isExpired(record, this.options.now() - keepMs)) {
        await this.options.table.remove(record.id)
        this.#byDigest.delete(record.digest)
      }
    }
  }
}
