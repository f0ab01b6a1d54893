import { Database } from 'bun:sqlite'
import { describe, expect, setDefaultTimeout, spyOn, test } from 'bun:test'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AreaDefinition, Statement } from '../../../plugins/store/api.ts'
import type { StoreAnswer } from '../../../plugins/store/protocol.ts'
import { StoreWriter } from '../../../plugins/store/writer.ts'

setDefaultTimeout(60_000)
const folder = mkdtempSync(join(tmpdir(), 'arkwatch-store-'))
let number = 0
const fresh = () => join(folder, `${++number}.db`)

const notes: AreaDefinition = {
  name: 'notes',
  migrations: ['CREATE TABLE notes_all (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, text TEXT NOT NULL) STRICT'],
  retention: [{ table: 'notes_all', column: 'at', keepMs: 1_000 }],
}
const note = (text: string, at = 0): Statement => ({
  sql: 'INSERT INTO notes_all (at, text) VALUES (?, ?)',
  params: [at, text],
})

function open(path = fresh(), { maxBytes = 2 ** 30, area = notes } = {}) {
  const time = { ms: 5_000 }
  const writer = new StoreWriter({ path, maxBytes, now: () => time.ms })
  const migrated = writer.answer([{ kind: 'area', definition: area }])[0]!
  const write = (...requests: (readonly Statement[])[]) =>
    writer.answer(requests.map((statements) => ({ kind: 'write', area: area.name, statements })))
  const texts = (): string[] => {
    const reader = new Database(path, { readonly: true })
    const rows = reader.query('SELECT text FROM notes_all ORDER BY id').all() as { text: string }[]
    reader.close()
    return rows.map(({ text }) => text)
  }
  return { path, time, writer, migrated, write, texts }
}
test('the file and its log are for their owner alone', () => {
  const { path, write } = open()
  write([note('secret')])
  for (const suffix of ['', '-wal', '-shm'])
    expect([suffix, statSync(path + suffix).mode & 0o777]).toEqual([suffix, 0o600])
})

const codes = (answers: readonly StoreAnswer[]) => answers.map((answer) => (answer.ok ? 'ok' : answer.code))

describe('the writer', () => {
  test('puts writes that arrive together into one commit, and says what each changed', () => {
    const { writer, write, texts } = open()
    const before = writer.commits
    const answers = write(
      [note('a'), note('b')],
      [note('c')],
      [{ sql: 'DELETE FROM notes_all WHERE text = ?', params: ['a'] }],
    )
    expect(answers).toEqual([
      {
        ok: true,
        value: [
          { changes: 1, lastInsertRowid: 1 },
          { changes: 1, lastInsertRowid: 2 },
        ],
      },
      { ok: true, value: [{ changes: 1, lastInsertRowid: 3 }] },
      { ok: true, value: [{ changes: 1, lastInsertRowid: 3 }] },
    ])
    expect(writer.commits - before).toBe(1)
    expect(texts()).toEqual(['b', 'c'])
  })

  test('takes back all of a write whose statement fails, and nothing of its neighbours', () => {
    const { write, texts } = open()
    const answers = write([note('a')], [note('lost'), { sql: 'INSERT INTO nowhere VALUES (1)' }], [note('b')])
    expect(codes(answers)).toEqual(['ok', 'STORE_STATEMENT_FAILED', 'ok'])
    expect(texts()).toEqual(['a', 'b'])
  })

  test.each([
    ...['COMMIT', ' rollback', '-- done\nCOMMIT', '/* */ END', ';;COMMIT', '\ufeffCOMMIT'],
    ...['ATTACH ? AS other', '/**/ATTACH ? AS other', 'PRAGMA synchronous = OFF', '/**/PRAGMA max_page_count = 1'],
    ...['RELEASE one', 'SAVEPOINT two', 'BEGIN', 'DETACH main', 'VACUUM', '', ' -- nothing', ';'],
    ...["DELETE FROM notes_all; INSERT INTO notes_all (at, text) VALUES (0, 'dropped')", 'SELECT 1; COMMIT'],
    // Rolls the whole group back, when it fails.
    "INSERT OR ROLLBACK INTO notes_all (id, at, text) VALUES (1, 0, 'lost'), (1, 0, 'lost')",
  ])('refuses %j, and with it nothing but its own write', (sql) => {
    const { writer, write, texts } = open()
    expect(codes(write([note('a')], [note('lost'), { sql }], [note('b')]))).toEqual([
      'ok',
      'STORE_STATEMENT_FAILED',
      'ok',
    ])
    expect(texts()).toEqual(['a', 'b'])
    expect(writer.problem).toBeUndefined()
  })

  test.each([
    ['a bigint beyond 64 bits', [2n ** 63n]],
    ['not a number', [Number.NaN]],
    ['undefined', [undefined]],
    ['an object', [{ a: 1 }]],
    ['too few', []],
    ['too many', [1, 2]],
  ])('refuses parameters that SQLite would store as another value: %s', (_, params) => {
    const { write } = open()
    const sql = 'UPDATE notes_all SET at = ?'
    expect(write([{ sql, params: params as never }])).toEqual([
      { ok: false, code: 'STORE_STATEMENT_FAILED', details: { area: 'notes', reason: expect.stringMatching(/param/) } },
    ])
  })

  test('waits for the disk, unless every write of a commit says that it need not', () => {
    const { writer } = open()
    const run = spyOn(Database.prototype, 'run')
    const commit = (...lazy: boolean[]) => {
      run.mockClear()
      writer.answer(lazy.map((each) => ({ kind: 'write', area: 'notes', statements: [note('a')], lazy: each })))
      return run.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes('synchronous'))
    }
    expect(commit(true, true)).toEqual(['PRAGMA synchronous = NORMAL'])
    expect(commit(true, false)).toEqual(['PRAGMA synchronous = FULL'])
    expect(commit(false)).toEqual(['PRAGMA synchronous = FULL'])
    run.mockRestore()
  })

  test('answers a query after the writes before it, with no more rows than asked for', () => {
    const { writer } = open()
    const query = (limit: number) =>
      ({ kind: 'query', area: 'notes', sql: 'SELECT text FROM notes_all ORDER BY id', params: [], limit }) as const
    const answers = writer.answer([
      { kind: 'write', area: 'notes', statements: [note('a'), note('b'), note('c')] },
      query(2),
      { ...query(2), sql: 'SELECT nonsense FROM nowhere' },
    ])
    expect(answers[1]).toEqual({ ok: true, value: [{ text: 'a' }, { text: 'b' }] })
    expect(codes(answers)).toEqual(['ok', 'ok', 'STORE_STATEMENT_FAILED'])
  })

  test('refuses a write for which there is no room, alone, and goes on', () => {
    const { writer, write, texts } = open(fresh(), { maxBytes: 2 ** 20 })
    expect(codes(write([note('a')], [note('x'.repeat(2 ** 20))], [note('b')]))).toEqual([
      'ok',
      'STORE_UNAVAILABLE',
      'ok',
    ])
    expect(texts()).toEqual(['a', 'b'])
    write([note('x'.repeat(2 ** 20))])
    expect(writer.problem).toContain('full')
    write([note('c')])
    expect(writer.problem).toBeUndefined()
  })

  test.each([
    ['a primary key of a number', 'id INTEGER PRIMARY KEY, at INTEGER', 'STRICT'],
    ['no primary key', 'id INTEGER, at INTEGER', 'STRICT'],
    ['no rowid', 'id TEXT PRIMARY KEY, at INTEGER', 'STRICT, WITHOUT ROWID'],
    ['no rowid and a primary key of two columns', 'id, "b c" DEFAULT 1, at, PRIMARY KEY (id, "b c")', 'WITHOUT ROWID'],
  ])('deletes what is past its retention in a table with %s', (_, columns, options) => {
    const retention = [{ table: 'old_all', column: 'at', keepMs: 1_000 }]
    const { writer, write } = open(fresh(), {
      area: { name: 'old', migrations: [`CREATE TABLE old_all (${columns}) ${options}`], retention },
    })
    write([1, 4_500].map((at) => ({ sql: 'INSERT INTO old_all (id, at) VALUES (?, ?)', params: [at, at] })))
    expect([writer.maintain(), writer.problem]).toEqual([false, undefined])
    const query = { kind: 'query', area: 'old', sql: 'SELECT at FROM old_all', params: [], limit: 10 } as const
    expect(writer.answer([query])).toEqual([{ ok: true, value: [{ at: 4_500 }] }])
  })

  test('at its size limit has a problem until there is room, whether or not somebody writes', () => {
    const { writer, write, texts } = open(fresh(), { maxBytes: 2 ** 20 })
    while (writer.problem === undefined) write([note('x'.repeat(10_000), 5_000)])
    const before = texts().length
    writer.maintain()
    expect(writer.problem).toContain('full')
    expect(texts()).toHaveLength(before)
    write([{ sql: 'DELETE FROM notes_all WHERE id > 50' }])
    write([note('x'.repeat(2 ** 20))])
    expect(writer.problem).toContain('full')
    writer.maintain()
    expect(writer.problem).toBeUndefined()
  })

  test('at its size limit makes room by deleting what is past its retention', () => {
    const { writer, write, texts, time } = open(fresh(), { maxBytes: 2 ** 20 })
    while (writer.problem === undefined) write([note('x'.repeat(10_000), time.ms)])
    time.ms += 2_000
    writer.maintain()
    expect(writer.problem).toBeUndefined()
    expect(texts()).toEqual([])
  })

  /** Takes a file away. @returns the undo */
  type TakeAway = (path: string) => () => void
  const elsewhere = () => join(mkdtempSync(join(folder, 'away-')), 'data')
  const moved =
    (suffix: string, replace = (_away: string, _path: string) => {}): TakeAway =>
    (path) => {
      const [file, away] = [path + suffix, elsewhere()]
      renameSync(file, away)
      replace(away, file)
      return () => renameSync(away, file)
    }
  const directoryReplaced: TakeAway = (path) => {
    const [directory, away] = [join(path, '..'), elsewhere()]
    renameSync(directory, away)
    mkdirSync(directory)
    return () => {
      rmSync(directory, { recursive: true })
      renameSync(away, directory)
    }
  }
  test.each<[what: string, name: string, takeAway: TakeAway]>([
    ...['', '-wal', '-shm'].flatMap((suffix): [string, string, TakeAway][] => [
      ['is moved away', suffix === '' ? 'the file ' : `store.db${suffix} `, moved(suffix)],
      ['is replaced', suffix === '' ? 'the file ' : `store.db${suffix} `, moved(suffix, copyFileSync)],
    ]),
    ['is in a directory that is replaced', 'the file ', directoryReplaced],
  ])('whose file %s (%s) refuses what would be lost, until the file is back', (_, name, takeAway) => {
    const path = join(mkdtempSync(join(folder, 'moved-')), 'store.db')
    const { writer, write, texts } = open(path)
    write([note('a')])
    const undo = takeAway(path)
    writer.maintain()
    const reason = expect.stringMatching(new RegExp(`^store.db: ${name}was removed or replaced while`))
    expect(writer.problem).toEqual(reason)
    const refused: StoreAnswer = {
      ok: false,
      code: 'STORE_UNAVAILABLE',
      details: { reason, remedy: expect.stringContaining('Put the file back') },
    }
    expect(write([note('b')], [note('c')])).toEqual([refused, refused])
    const query = { kind: 'query', area: 'notes', sql: 'SELECT 1', params: [], limit: 1 } as const
    expect(writer.answer([query, { kind: 'area', definition: notes }])).toEqual([refused, refused])
    undo()
    expect(codes(write([note('d')]))).toEqual(['ok'])
    expect([writer.problem, texts()]).toEqual([undefined, ['a', 'd']])
    writer.close()
    expect(texts()).toEqual(['a', 'd'])
  })

  test('says why a file cannot be opened, and opens it when it can', () => {
    const path = join(folder, 'missing', 'store.db')
    const { migrated, writer } = open(path)
    expect(codes([migrated])).toEqual(['STORE_UNAVAILABLE'])
    expect(writer.problem).toBeDefined()
    mkdirSync(join(folder, 'missing'))
    expect(codes(writer.answer([{ kind: 'area', definition: notes }]))).toEqual(['ok'])
    expect(writer.problem).toBeUndefined()
  })

  test('deletes what is past its retention in steps, and gives the pages back', () => {
    const { writer, write, texts, time, path } = open()
    write(Array.from({ length: 1_200 }, (_, at) => note(`${at} ${'x'.repeat(500)}`, 1_000)))
    write([note('young', 4_500)])
    writer.close()
    const before = Bun.file(path).size
    writer.answer([{ kind: 'area', definition: notes }])
    expect([writer.maintain(), writer.maintain(), writer.maintain()]).toEqual([true, true, false])
    expect(texts()).toEqual(['young'])
    writer.close()
    expect(Bun.file(path).size).toBeLessThan(before / 2)
    time.ms = 6_000
    writer.answer([{ kind: 'area', definition: notes }])
    writer.maintain()
    expect(texts()).toEqual([])
  })
})

describe('migrations', () => {
  const steps = [
    'CREATE TABLE notes_all (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, text TEXT NOT NULL) STRICT',
    "ALTER TABLE notes_all ADD COLUMN author TEXT NOT NULL DEFAULT 'nobody'",
    "UPDATE notes_all SET author = 'somebody'; CREATE INDEX notes_at ON notes_all (at)",
  ]
  for (const from of [0, 1, 2, 3]) {
    test(`lead from version ${from} to the newest and keep the rows`, () => {
      const first = open(fresh(), { area: { name: 'notes', migrations: steps.slice(0, from) } })
      if (from > 0) first.write([note('old')])
      first.writer.close()
      const then = open(first.path, { area: { name: 'notes', migrations: steps } })
      expect(then.migrated).toEqual({ ok: true, value: 3 })
      expect(then.texts()).toEqual(from > 0 ? ['old'] : [])
    })
  }

  test('that fail change nothing', () => {
    const { path, writer } = open(fresh(), { area: { name: 'notes', migrations: steps.slice(0, 1) } })
    const answer = writer.answer([
      { kind: 'area', definition: { name: 'notes', migrations: [steps[0]!, steps[1]!, 'DROP TABLE nowhere'] } },
    ])
    expect(codes(answer)).toEqual(['STORE_MIGRATION_FAILED'])
    writer.close()
    expect(codes([open(path, { area: { name: 'notes', migrations: steps } }).migrated])).toEqual(['ok'])
  })

  const refused: [string, AreaDefinition][] = [
    [
      'a retention by a column that is not there',
      {
        name: 'other',
        migrations: ['CREATE TABLE other_all (id INTEGER PRIMARY KEY) STRICT'],
        retention: [{ table: 'other_all', column: 'at', keepMs: 1 }],
      },
    ],
    ['a script that ends its transaction', { name: 'other', migrations: ['CREATE TABLE other_all (id); /* */COMMIT'] }],
    ['a file of a newer version', { name: 'notes', migrations: [] }],
    ['a name that is no name of a table', { name: 'Notes; --', migrations: [] }],
    [
      'a retention of a foreign table',
      { name: 'other', migrations: [], retention: [{ table: 'notes_all', column: 'at', keepMs: 1 }] },
    ],
  ]
  for (const [what, definition] of refused) {
    test(`refuse ${what}`, () => {
      const { writer } = open()
      expect(codes(writer.answer([{ kind: 'area', definition }]))).toEqual(['STORE_MIGRATION_FAILED'])
    })
  }
})

describe('a corrupt file', () => {
  const damage: [string, (path: string) => void][] = [
    [
      'that is no database',
      (path) => writeFileSync(path, 'this is not a database, but long enough to be read as one'.repeat(40)),
    ],
    [
      'with a broken page',
      (path) => {
        const bytes = readFileSync(path)
        bytes.fill(0xff, 4_096 * 2, 4_096 * 3)
        writeFileSync(path, bytes)
      },
    ],
  ]
  for (const [what, break_] of damage) {
    test(`${what} is set aside as it is, and a new one is begun`, () => {
      const first = open()
      first.write(Array.from({ length: 300 }, () => note('x'.repeat(100))))
      first.writer.close()
      break_(first.path)
      const broken = readFileSync(first.path)
      const { writer, write, texts } = open(first.path)
      expect(writer.aside).toStartWith(`${first.path}.corrupt-1970-01-01T`)
      expect(readFileSync(writer.aside!).equals(broken)).toBe(true)
      write([note('new')])
      expect(texts()).toEqual(['new'])
    })
  }

  test('is nothing that is merely of size zero', () => {
    const path = fresh()
    writeFileSync(path, '')
    const { writer } = open(path)
    expect(writer.aside).toBeUndefined()
    expect(existsSync(path)).toBe(true)
    expect(readdirSync(folder).filter((name) => name.startsWith(`${number}.db.corrupt`))).toEqual([])
  })
})
