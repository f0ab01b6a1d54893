import { Database } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { onlyStatement, statementsOf } from '../../../plugins/store/sql-text.ts'

const trigger = 'CREATE TRIGGER t_x AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; DELETE FROM t; END'
const piece = fc.constantFrom(
  ...[
    'COMMIT',
    'end',
    'ROLLBACK',
    'RELEASE one',
    "INSERT INTO t VALUES ('a;b')",
    'INSERT INTO t VALUES (1)',
    'SELECT 1',
  ],
  ...[
    '--',
    '/*',
    '*/',
    "'",
    '"',
    '`',
    '[',
    ']',
    ';',
    '/',
    '-',
    '*',
    '\n',
    '\r',
    '\t',
    ' ',
    '\v',
    '\0',
    '\ufeff',
    '\u00a0',
  ],
  ...[
    'x',
    '/**/',
    '-- c\n',
    '$a(;)',
    '$a(',
    ':x(',
    '@x(',
    '#x::y(',
    ')',
    'é',
    trigger,
    'TEMP',
    'TRIGGER',
    'CREATE',
    'EXPLAIN',
    ' RETURNING a',
    ' UNION SELECT 2',
    'VALUES (1), (2)',
  ],
)

/** Runs SQL in a transaction. @returns the rows of the table, or undefined where SQLite refuses it */
function inTransaction(run: (database: Database) => void): { rows: number; isIntact: boolean } | undefined {
  using database = new Database(':memory:')
  database.run('CREATE TABLE t (a)')
  database.run('BEGIN')
  database.run('SAVEPOINT one')
  try {
    run(database)
  } catch {
    return undefined
  }
  const isIntact = () => {
    try {
      database.run('RELEASE one')
    } catch {
      return false
    }
    return database.inTransaction
  }
  return { rows: (database.query('SELECT count(*) n FROM t').get() as { n: number }).n, isIntact: isIntact() }
}

describe('the only statement of a text', () => {
  test('neither ends the transaction around it nor leaves another statement out, as SQLite has it', () => {
    let accepted = 0
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const sql = pieces.join('')
        let text: string
        try {
          text = onlyStatement(sql)
        } catch {
          return
        }
        const first = inTransaction((database) => void database.query(text).run())
        if (first === undefined) return
        accepted += 1
        expect([sql, first.isIntact]).toEqual([sql, true])
        const whole = inTransaction((database) => void database.run(sql))
        if (whole !== undefined) expect([sql, whole.rows]).toEqual([sql, first.rows])
        // It may stand where a query is embedded.
        if (/^select/i.test(text)) inTransaction((database) => void database.query(`SELECT * FROM (${text})`).all())
      }),
      { numRuns: 3_000 },
    )
    expect(accepted).toBeGreaterThan(20)
  })

  test.each([
    ['SELECT 1', ['SELECT 1']],
    [' ;; SELECT 1 ; ', ['SELECT 1']],
    [
      "SELECT ';' , \"a;b\" -- ; c\n;SELECT [;], `;` /* ; */ , 'it''s;'",
      [`SELECT ';' , "a;b"`, "SELECT [;], `;` /* ; */ , 'it''s;'"],
    ],
    [`${trigger}; SELECT 1`, [trigger, 'SELECT 1']],
    [trigger.replace('CREATE', 'create /* */ temporary'), [trigger.replace('CREATE', 'create /* */ temporary')]],
    ["SELECT 'open ; ", ["SELECT 'open ; "]],
    ['/* nothing', []],
  ])('%j holds %j', (sql, texts) => {
    expect(statementsOf(sql).map(({ text }) => text)).toEqual(texts)
  })

  test('is found in a time that grows with the length of the text', () => {
    for (const part of ["'", '"a', '/*', '-- ', '[', 'CREATE TRIGGER ', '; ', '-', '/* */', 'a '])
      expect(statementsOf(part.repeat(200_000 / part.length)).length).toBeLessThan(200_000)
  })
})
