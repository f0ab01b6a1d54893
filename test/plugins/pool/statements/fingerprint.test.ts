import { expect, test } from 'bun:test'
import fc from 'fast-check'
import {
  explainProblem,
  parameterCount,
  sampleProblem,
  withoutValues,
} from '../../../../plugins/pool/statements/explain.ts'
import { Fingerprints, fingerprint } from '../../../../plugins/pool/statements/fingerprint.ts'
import { otherStatements, StatementTable } from '../../../../plugins/pool/watch/tables.ts'

const cases: [sql: string, text: string][] = [
  ["SELECT * FROM a WHERE x = 'b' AND y = 1", 'SELECT * FROM a WHERE x = ? AND y = ?'],
  ["SELECT 'it''s', E'a\\'b', 'c\\'", 'SELECT ?, ?, ?'],
  ["SELECT '--', '/*' -- secret\n, 2", 'SELECT ?, ? , ?'],
  ['SELECT $tag$ a $x$ b $tag$, $$c$$, $1', 'SELECT ?, ?, ?'],
  ['SELECT "a 1", b2 FROM "t\'s" WHERE c IN (1, 2, 3)', 'SELECT "a 1", b2 FROM "t\'s" WHERE c IN (?)'],
  ["INSERT INTO a VALUES (1, 'a'), (2, 'b')", 'INSERT INTO a VALUES (?)'],
  ["SELECT 1.5e3, date'2020-01-01' /* open", 'SELECT ?, date?'],
]
test.each(cases)('the fingerprint of %s', (sql, text) => {
  expect(fingerprint(sql).text).toBe(text)
})

test('no literal is left in a fingerprint, wherever it is cut', () => {
  const literal = fc.constantFrom(
    "'SECRET'",
    "'it''s SECRET'",
    "E'\\'SECRET'",
    '$$SECRET$$',
    '$q$ $$SECRET $q$',
    "'SECRET --'",
    "'/* SECRET'",
    "date'SECRET'",
  )
  const part = fc.oneof(literal, fc.constantFrom('a', '"b"', '1', ', ', ' = ', '-- c\n', '/* d */', '$1', ' '))
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), fc.nat(200), (parts, cut) => {
      const text = parts.join(' ')
      expect(fingerprint(text).text).not.toContain('SECRET')
      expect(fingerprint(text.slice(0, cut)).text).not.toMatch(/SECRE/)
    }),
    { numRuns: process.env.ARKWATCH_PROOF === '1' ? 20_000 : 500 },
  )
})

test('the kind, and what may stay behind', () => {
  const types = ['SELECT 1', 'WITH a AS (SELECT 1) DELETE FROM b', 'with a as (delete from b) select 1', 'VACUUM'].map(
    (sql) => fingerprint(sql).type,
  )
  expect(types).toEqual(['select', 'delete', 'select', 'other'])
  const marks = (sql: string) => fingerprint(sql).marks
  for (const sql of [
    'SET search_path = a',
    'set role b',
    'LISTEN c',
    "SELECT set_config('a.b', 'c', false)",
    'SELECT pg_advisory_lock(1)',
    'CREATE TEMP TABLE d (e int)',
    'BEGIN; SELECT 1',
  ])
    expect([sql, marks(sql)]).toEqual([sql, true])
  for (const sql of ['SET LOCAL a.b = c', 'SELECT pg_advisory_xact_lock(1)', 'SELECT 1;', 'UPDATE a SET b = 1'])
    expect([sql, marks(sql)]).toEqual([sql, false])
  expect(['BEGIN', 'ROLLBACK TO a', 'ROLLBACK', 'SELECT 1'].map((sql) => fingerprint(sql).opens)).toEqual([
    true,
    undefined,
    false,
    undefined,
  ])
})

test('what may be explained', () => {
  for (const sql of ['DELETE FROM a', 'SELECT 1; SELECT 2', 'SELECT 1 FOR UPDATE', 'SELECT 1 INTO a'])
    expect([sql, explainProblem(sql)]).toEqual([sql, expect.any(String)])
  for (const sql of [undefined, 'TRUNCATE a', 'SELECT 1; DROP TABLE b', 'EXPLAIN ANALYZE DELETE FROM a'])
    expect([sql, sampleProblem(sql)]).toEqual([sql, expect.any(String)])
  for (const sql of ['SELECT 1;', 'DELETE FROM a', 'WITH a AS (SELECT 1) SELECT 1'])
    expect([sql, sampleProblem(sql)]).toEqual([sql, undefined])
  expect(parameterCount("SELECT $2, $1, '$9' -- $8")).toBe(2)
  expect(withoutValues([{ Filter: "(a = 'b'::text)", Cost: 1.5 }])).toEqual([{ Filter: '(a = ?::text)', Cost: 1.5 }])
})

test('shapes are bounded; what comes later is counted together', () => {
  const table = new StatementTable(2)
  const shapes = new Fingerprints(2)
  for (const [index, sql] of ['SELECT a', 'SELECT b', 'SELECT c', 'SELECT d'].entries())
    table.add(shapes.ofText(sql), index + 1, index === 1, sql)
  const top = table.top(10)
  expect(top).toMatchObject([
    { statement: otherStatements, count: 2, totalMs: 7, meanMs: 3.5 },
    { statement: 'SELECT b', errors: 1 },
    { statement: 'SELECT a', count: 1 },
  ])
  expect(JSON.stringify(top)).not.toContain('sample')
})
