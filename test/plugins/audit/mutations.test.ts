import { Database } from 'bun:sqlite'
import { expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifyExport } from '../../../plugins/audit/chain/verify-export.ts'
import { seeded } from '../../support/seeded.ts'
import { event, newFolder, openAudit } from './support.ts'

// A thread is started and the disk is waited for, for each mutation.
setDefaultTimeout(600_000)

const total = 40
const rounds = process.env.ARKWATCH_PROOF === '1' ? 100 : 4
const random = seeded()
const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1))

/** A log of so many records, written in batches, with its export. */
async function written(count = total) {
  const { folder, log, instance, close } = await openAudit()
  for (let seq = 1; seq <= count; seq += 1) await log.record(event('test.do', `thing-${seq}`), 'ok', { after: { seq } })
  let text = ''
  for await (const line of log.export()) text += line
  const { publicKey } = instance.log
  await close()
  return { folder, text, publicKey }
}
let first: ReturnType<typeof written> | undefined
const sample = () => {
  first ??= written()
  return first
}

/** The five things that somebody may do to records behind our back. */
const mutations: Record<string, (db: Database) => void> = {
  edit: (db) => {
    const seq = between(1, total)
    db.run('UPDATE audit_records SET record = replace(record, ?, ?) WHERE seq = ?', ['alice', 'mallo', seq])
  },
  insert: (db) => {
    const seq = between(1, total)
    db.run('UPDATE audit_records SET seq = -seq - 1 WHERE seq > ?', [seq])
    db.run('UPDATE audit_records SET seq = -seq WHERE seq < 0')
    db.run('INSERT INTO audit_records SELECT seq + 1, time_ms, hash, record FROM audit_records WHERE seq = ?', [seq])
  },
  delete: (db) => {
    const seq = between(1, total - 1)
    db.run('DELETE FROM audit_records WHERE seq = ?', [seq])
    if (random() < 0.5) {
      db.run('UPDATE audit_records SET seq = -seq + 1 WHERE seq > ?', [seq])
      db.run('UPDATE audit_records SET seq = -seq WHERE seq < 0')
    }
  },
  reorder: (db) => {
    const first = between(1, total - 1)
    const second = between(first + 1, total)
    db.run('UPDATE audit_records SET seq = 0 WHERE seq = ?', [first])
    db.run('UPDATE audit_records SET seq = ? WHERE seq = ?', [first, second])
    db.run('UPDATE audit_records SET seq = ? WHERE seq = 0', [second])
  },
  'cut tail': (db) => {
    db.run('DELETE FROM audit_records WHERE seq >= ?', [between(1, total)])
  },
}

test('a log that nobody touched is verified, over a restart too', async () => {
  const { folder } = await sample()
  const copy = newFolder()
  cpSync(folder, copy, { recursive: true })
  const { log, told, close } = await openAudit(copy)
  expect(await log.verify()).toEqual({ ok: true, checked: total, first: 1, last: total })
  await log.record(event('test.more'), 'ok')
  expect(await log.verify()).toMatchObject({ ok: true, last: total + 1 })
  expect(told).toEqual([undefined])
  await close()
})

test.each(Object.keys(mutations))(
  '%s at a random place is found, and still found after more was written',
  async (name) => {
    const { folder } = await sample()
    for (let round = 0; round < rounds; round += 1) {
      const copy = newFolder()
      cpSync(folder, copy, { recursive: true })
      const db = new Database(join(copy, 'store.db'))
      mutations[name]!(db)
      db.close()
      const { log, close } = await openAudit(copy)
      const verdict = await log.verify()
      expect([round, verdict.ok]).toEqual([round, false])
      expect(verdict.problem?.what).toBeString()
      await log.record(event('test.more'), 'ok').catch(() => {})
      expect((await log.verify()).ok).toBe(false)
      await close()
      rmSync(copy, { recursive: true })
    }
  },
)

test('a deleted signed end is found', async () => {
  const { folder } = await sample()
  const copy = newFolder()
  cpSync(folder, copy, { recursive: true })
  rmSync(join(copy, 'audit.head'))
  const { log, close } = await openAudit(copy)
  expect((await log.verify()).problem?.what).toContain('signed end of the log is missing')
  await close()
})

test('a signed end of another key is found', async () => {
  const [one, other] = await Promise.all([sample(), written(total + 1)])
  const copy = newFolder()
  cpSync(one.folder, copy, { recursive: true })
  cpSync(join(other.folder, 'audit.head'), join(copy, 'audit.head'))
  const { log, close } = await openAudit(copy)
  expect((await log.verify()).ok).toBe(false)
  await close()
})

test('an export is verified without the instance, and the same mutations of it are found', async () => {
  const { text, publicKey } = await sample()
  const lines = text.trimEnd().split('\n')
  expect(await verifyExport('x', lines, publicKey)).toMatchObject({ ok: true, checked: total, last: total })
  const changed: Record<string, (lines: string[]) => string[]> = {
    edit: (all) => all.with(between(1, total), all[between(1, total)]!.replace('alice', 'mallo')),
    insert: (all) => all.toSpliced(between(1, total), 0, all[between(1, total)]!),
    delete: (all) => all.toSpliced(between(1, total), 1),
    reorder: (all) => {
      const at = between(1, total - 1)
      return all.toSpliced(at, 2, all[at + 1]!, all[at]!)
    },
    'cut tail': (all) => all.slice(0, between(1, total)),
    'cut tail with its end': (all) => [...all.slice(0, between(1, total)), all.at(-1)!],
    'cut beginning': (all) => [all[0]!, ...all.slice(between(2, total))],
    'no JSON': (all) => all.with(between(1, total), '{'),
    'of another kind': (all) => all.with(between(1, total), '{}'),
    'more after the end': (all) => [...all, all[1]!],
  }
  for (const [name, change] of Object.entries(changed)) {
    for (let round = 0; round < rounds * 5; round += 1) {
      expect([name, (await verifyExport('x', change(lines), publicKey)).ok]).toEqual([name, false])
    }
  }
})

test('an export of another key is not trusted, and what is no export is refused', async () => {
  const { text } = await sample()
  const other = await written(1)
  expect((await verifyExport('x', text.split('\n'), other.publicKey)).problem?.what).toContain('another key')
  for (const wrong of [[], ['hello'], ['{}']]) {
    const code = await verifyExport('x', wrong).then(
      () => 'ok',
      (error) => error.code,
    )
    expect(code).toBe('AUDIT_EXPORT_INVALID')
  }
})

test('a signing key that is none is refused', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'audit.key'), 'no key', { mode: 0o600 })
  expect(
    await openAudit(folder).then(
      () => 'ok',
      (error) => error.code,
    ),
  ).toBe('AUDIT_KEY')
})
