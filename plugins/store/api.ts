/** What other plugins may use of the store. */
import { service } from '../../core/plugin.ts'

/** A bigint has 64 bits. An integer is read as a number where a number holds it exactly, else as a bigint. */
export type SqlValue = string | number | bigint | Uint8Array | null

/** One statement of a transaction, with `?` for each parameter: not several, and none that ends a transaction. */
export interface Statement {
  readonly sql: string
  readonly params?: readonly SqlValue[]
}

/** What a statement changed. */
export interface Written {
  readonly changes: number
  /** A bigint beyond 2^53 - 1. */
  readonly lastInsertRowid: number | bigint
}

/** The tables of one plugin: a prefix of names, and no border, since statements may name other tables. */
export interface StoreArea {
  /**
   * Runs the statements in one transaction, in the writer thread, in the order of the calls.
   * @param options.lazy answers before the commit is on the disk: a loss of power may lose it, `kill -9` does not
   * @returns what each changed, after the commit is on the disk
   * @throws STORE_UNAVAILABLE if the file cannot be written (disk full, read-only, removed); nothing is changed.
   * STORE_QUEUE_FULL; STORE_STATEMENT_FAILED for SQL that SQLite refuses, or that runs for more than a minute
   */
  write(statements: readonly Statement[], options?: { readonly lazy?: boolean }): Promise<readonly Written[]>
  /** Reads one row by a key, on the calling thread: only by primary key or a unique index. */
  get<Row>(sql: string, params?: readonly SqlValue[]): Row | undefined
  /**
   * Reads up to `limit` rows in a thread. @param limit 1-10_000 @default 10_000
   * @throws STORE_UNAVAILABLE, STORE_STATEMENT_FAILED
   */
  query<Row>(sql: string, params?: readonly SqlValue[], limit?: number): Promise<readonly Row[]>
  /**
   * Iterates over any number of rows, as they were at the first one; they are read in batches on demand, in a thread.
   * Until its end the log of the file is not shortened: WORKER_TIMEOUT after five minutes; 8 run at a time.
   * @throws STORE_QUEUE_FULL, STORE_UNAVAILABLE, STORE_STATEMENT_FAILED, the reason of `signal`
   */
  iterate<Row>(
    sql: string,
    params?: readonly SqlValue[],
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<Row>
}

export interface AreaDefinition {
  /** Prefix of the names of the tables, before an underscore. */
  readonly name: string
  /** Keeps the tables in a separate file, `store-FILE.db`, with its own size limit. Lower case, digits, `_`. */
  readonly file?: string
  /** SQL scripts; the n-th migrates version n to n + 1. Released ones are never edited, only appended to. */
  readonly migrations: readonly string[]
  /** Rows older than this are deleted by the writer, in small steps. */
  readonly retention?: readonly {
    readonly table: string
    /** A column with epoch milliseconds, indexed. */
    readonly column: string
    /** Milliseconds. */
    readonly keepMs: number
  }[]
}

export interface Store {
  /**
   * `memory`: the store's file cannot be used; writes to it are refused, and plugins continue with the data that they
   * hold in memory. The files of areas are not meant: writes to an area say whether its file can be used.
   */
  readonly state: 'ok' | 'memory'
  /** Bytes of the files and their logs. */
  readonly sizeBytes: number
  /** Opens the tables of a plugin and migrates them. @throws STORE_MIGRATION_FAILED, STORE_UNAVAILABLE */
  area(definition: AreaDefinition): Promise<StoreArea>
}
export const Store = service<Store>('store')
