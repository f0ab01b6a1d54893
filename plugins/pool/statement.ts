/** A statement in a template: a part of another until it is awaited. */
import type { QueryOptions, Row, Rows, Sql, Statement } from './api.ts'
import type { Running, SqlConnection, SqlDriver } from './drivers/driver.ts'
import type { Fingerprint, Fingerprints } from './fingerprint.ts'

/** What is to be run, on whichever connection. */
export interface Work {
  readonly fingerprint: Fingerprint
  start(connection: SqlConnection): Running
}

type Run = (work: Work, options: QueryOptions) => Promise<Rows>

export class TemplateStatement<T = Row> implements Statement<T> {
  private chosen: QueryOptions = {}
  private running: Promise<Rows> | undefined

  constructor(
    private readonly strings: TemplateStringsArray,
    private readonly values: readonly unknown[],
    private readonly fingerprints: Fingerprints,
    private readonly run: Run,
  ) {}

  options(options: QueryOptions): this {
    this.chosen = { ...this.chosen, ...options }
    return this
  }

  // biome-ignore lint/suspicious/noThenProperty: a statement runs when it is awaited, as in postgres.js
  then<A = Rows<T>, B = never>(
    fulfilled?: ((rows: Rows<T>) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.running ??= this.run(
      { fingerprint: this.fingerprints.ofTemplate(this.strings), start: (connection) => this.on(connection) },
      this.chosen,
    )
    return (this.running as Promise<Rows<T>>).then(fulfilled, rejected)
  }

  /** The statement, or part of one, of a connection's own client. */
  on(connection: SqlConnection): Running {
    const values = this.values.map((value) => (value instanceof TemplateStatement ? value.on(connection) : value))
    return connection.template(this.strings, values)
  }
}

const isTemplate = (first: unknown): first is TemplateStringsArray => Array.isArray(first) && 'raw' in first

/** @param run runs a statement when it is awaited */
export const createSql = (driver: SqlDriver, fingerprints: Fingerprints, run: Run): Sql =>
  ((first: unknown, ...rest: readonly unknown[]) =>
    isTemplate(first)
      ? new TemplateStatement(first, rest, fingerprints, run)
      : driver.part([first, ...rest])) as unknown as Sql
