/** A statement in a template: a part of another until it is awaited. */
import type { QueryOptions, Row, Rows, Sql, Statement } from '../api.ts'
import type { RunningQuery, SqlConnection, SqlDriver } from '../drivers/driver.ts'
import type { Fingerprint, Fingerprints } from './fingerprint.ts'

/** A statement with its parameters, for any connection. */
export interface Query {
  readonly fingerprint: Fingerprint
  start(connection: SqlConnection): RunningQuery
  /** The text that was sent, where the text is known. */
  text(running: RunningQuery): string | undefined
}

type Run = (query: Query, options: QueryOptions | undefined) => Promise<Rows>

export const textQuery = (fingerprint: Fingerprint, text: string, parameters: readonly unknown[]): Query => ({
  fingerprint,
  start: (connection) => connection.text(text, parameters),
  text: () => text,
})

export class TemplateQuery<T = Row> implements Statement<T>, Query {
  private chosen: QueryOptions | undefined
  private running: Promise<Rows> | undefined

  constructor(
    private readonly strings: TemplateStringsArray,
    private readonly values: readonly unknown[],
    private readonly fingerprints: Fingerprints,
    private readonly run: Run,
  ) {}

  get fingerprint(): Fingerprint {
    return this.fingerprints.ofTemplate(this.strings)
  }

  options(options: QueryOptions): this {
    this.chosen = { ...this.chosen, ...options }
    return this
  }

  // biome-ignore lint/suspicious/noThenProperty: a statement runs when it is awaited, as in postgres.js
  then<A = Rows<T>, B = never>(
    fulfilled?: ((rows: Rows<T>) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.running ??= this.run(this, this.chosen)
    return (this.running as Promise<Rows<T>>).then(fulfilled, rejected)
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Rows<T> | B> {
    return this.then(undefined, rejected)
  }

  finally(settled?: (() => void) | null): Promise<Rows<T>> {
    return this.then().finally(settled)
  }

  /** The statement, or part of one, of a connection's own client. */
  start(connection: SqlConnection): RunningQuery {
    const { values } = this
    return connection.template(this.strings, values.some(isQuery) ? values.map(partOn(connection)) : values)
  }

  text(running: RunningQuery): string | undefined {
    if (running.string !== undefined) return running.string
    const isPlain = this.values.every((value) => typeof value !== 'object' || value === null || value instanceof Date)
    return isPlain ? this.strings.reduce((text, part, index) => `${text}$${index}${part}`) : undefined
  }
}

const isQuery = (value: unknown): value is TemplateQuery => value instanceof TemplateQuery
const partOn = (connection: SqlConnection) => (value: unknown) => (isQuery(value) ? value.start(connection) : value)

const isTemplate = (first: unknown): first is TemplateStringsArray => Array.isArray(first) && 'raw' in first

/** @param run runs a statement when it is awaited */
export const createSql = (driver: Omit<SqlDriver, 'open'>, fingerprints: Fingerprints, run: Run): Sql =>
  Object.assign(
    (first: unknown, ...rest: readonly unknown[]) =>
      isTemplate(first) ? new TemplateQuery(first, rest, fingerprints, run) : driver.part([first, ...rest]),
    {
      json: (value: unknown) => driver.typed('json', [value]),
      array: (...values: readonly unknown[]) => driver.typed('array', values),
    },
  ) as unknown as Sql
