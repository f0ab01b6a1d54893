import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isSecretKey } from '../../../core/contract/redact/secret-keys.ts'
import audit from '../../../plugins/audit/index.ts'
import { differences, maxDifferences, scrub } from '../../../plugins/audit/journal/changes.ts'
import { FileSink, maxPendingBytes } from '../../../plugins/audit/journal/file-sink.ts'
import { maxRecordBytes, maxWaiting } from '../../../plugins/audit/journal/journal.ts'
import store from '../../../plugins/store/index.ts'
import { pluginContract } from '../../../testing/plugin-contract.ts'
import { event, newFolder, openAudit, workers } from './support.ts'

// A thread is started, and the disk is waited for.
setDefaultTimeout(60_000)
pluginContract(audit, { providers: [store] })
afterAll(() => workers.close())

const codeOf = (request: Promise<unknown>) =>
  request.then(
    () => 'ok',
    (error) => error.code,
  )

describe('the audit log', () => {
  test('holds the intent of a change before its outcome, and what differs', async () => {
    const { log, close } = await openAudit()
    const settle = await log.begin(event('config.patch', 'metrics'))
    expect((await log.page({ limit: 10 }))[0]).toMatchObject({ seq: 1, action: 'config.patch', outcome: 'begun' })
    await settle('ok', { before: { every: 15, path: '/m' }, after: { every: 30, path: '/m' } })
    const [last] = await log.page({ limit: 10 })
    expect(last).toMatchObject({ seq: 2, of: 1, outcome: 'ok', target: 'metrics', from: '127.0.0.1', requestId: 'r-1' })
    expect(last?.changes).toEqual([{ path: '/every', before: 15, after: 30 }])
    await close()
  })

  test('pages back and forth, by principal and by action', async () => {
    const { log, close } = await openAudit()
    for (const action of ['a', 'b', 'a', 'b', 'a']) await log.record(event(action), 'ok')
    const seqs = async (query: object) => (await log.page({ limit: 10, ...query })).map(({ seq }) => seq)
    expect(await seqs({})).toEqual([5, 4, 3, 2, 1])
    expect(await seqs({ before: 3 })).toEqual([2, 1])
    expect(await seqs({ after: 3 })).toEqual([4, 5])
    expect(await seqs({ action: 'b' })).toEqual([4, 2])
    expect(await seqs({ principal: 'bob' })).toEqual([])
    expect(await seqs({ limit: 2 })).toEqual([5, 4])
    await close()
  })

  test('keeps no secret: names and texts that look like one become the same HMAC each time', async () => {
    const { log, path, close } = await openAudit()
    const canary = 'CANARY-31337-secret'
    const nsec = `nsec1${'q'.repeat(58)}`
    await log.record(event('config.patch'), 'ok', {
      after: { apiKey: canary, url: `postgres://u:${canary}@db/x`, note: nsec, macaroon: [canary], port: 1 },
    })
    const [{ changes }] = (await log.page({ limit: 1 })) as never as [{ changes: { after: Record<string, unknown> }[] }]
    expect(changes[0]!.after.apiKey).toBe(log.hashOf(canary))
    expect(changes[0]!.after.port).toBe(1)
    let text = ''
    for await (const line of log.export()) text += line
    expect(text).not.toContain(canary)
    expect(text).not.toContain(nsec)
    await close()
    expect(readFileSync(path).includes(canary)).toBe(false)
  })

  test('leaves out changes that are too large, and says so', async () => {
    const { log, close } = await openAudit()
    const wide = Object.fromEntries(Array.from({ length: 90 }, (_, index) => [`field${index}`, 'x'.repeat(900)]))
    await log.record(event('config.patch'), 'ok', { before: {}, after: wide })
    const [record] = await log.page({ limit: 1 })
    expect(record).toMatchObject({ truncated: true, action: 'config.patch' })
    expect(JSON.stringify(record).length).toBeLessThan(maxRecordBytes)
    expect(await log.verify()).toMatchObject({ ok: true })
    await close()
  })

  test('refuses what it cannot record, and goes on when it can again', async () => {
    const { log, store: client, close, instance } = await openAudit()
    await log.record(event('a'), 'ok')
    const waiting = Array.from({ length: maxWaiting + 250 }, (_, index) => log.record(event(`n${index}`), 'ok'))
    const outcomes = await Promise.all(waiting.map(codeOf))
    expect(outcomes.filter((code) => code === 'AUDIT_UNAVAILABLE').length).toBeGreaterThan(0)
    expect(instance.journal.refused).toBe(outcomes.filter((code) => code !== 'ok').length)
    expect(await log.verify()).toMatchObject({ ok: true, last: 1 + outcomes.filter((code) => code === 'ok').length })
    await close()
    expect(await codeOf(log.begin(event('b')))).toBe('AUDIT_UNAVAILABLE')
    expect(client.state).toBe('ok')
  })

  test('refuses the change when the disk is full, and what was written stays verifiable', async () => {
    const { log, close } = await openAudit(newFolder(), { maxBytes: 300_000 })
    let refusal = ''
    let kept = 0
    for (let turn = 0; turn < 5_000 && refusal === ''; turn += 1) {
      const code = await codeOf(log.begin(event('fill', 'x'.repeat(200))))
      if (code === 'ok') kept += 1
      else refusal = code
    }
    expect(refusal).toBe('AUDIT_UNAVAILABLE')
    expect(await log.verify()).toMatchObject({ ok: true, last: kept })
    await close()
  })

  test('forgets what is past its time, and the rest stays verifiable, exported too', async () => {
    const { log, close } = await openAudit()
    for (let index = 0; index < 10; index += 1) await log.record(event('a'), 'ok')
    expect(await log.prune(Date.parse('2000-01-01'))).toBe(0)
    expect(await log.prune(Number.MAX_SAFE_INTEGER, 6)).toBe(6)
    expect(await log.verify()).toEqual({ ok: true, checked: 4, first: 7, last: 10 })
    expect(await log.prune(Number.MAX_SAFE_INTEGER)).toBe(4)
    expect(await log.verify()).toEqual({ ok: true, checked: 0, first: 0, last: 10 })
    await log.record(event('b'), 'ok')
    expect(await log.verify()).toEqual({ ok: true, checked: 1, first: 11, last: 11 })
    await close()
  })

  test('its files are for the owner alone, and a key that others may read is refused', async () => {
    const { folder, close } = await openAudit()
    await close()
    expect(statSync(join(folder, 'audit.key')).mode & 0o777).toBe(0o600)
    chmodSync(join(folder, 'audit.key'), 0o644)
    expect(await codeOf(openAudit(folder))).toBe('AUDIT_KEY')
  })

  test('has a signed end before its first record, so that a kill after it leaves nothing to miss', async () => {
    const { folder, log, close } = await openAudit()
    expect(JSON.parse(readFileSync(join(folder, 'audit.head'), 'utf8'))).toMatchObject({ seq: 0 })
    const before = readFileSync(join(folder, 'audit.head'))
    await log.record(event('first'), 'ok')
    await close()
    // As a kill between the record and its end leaves it.
    writeFileSync(join(folder, 'audit.head'), before)
    const again = await openAudit(folder)
    expect(await again.log.verify()).toEqual({ ok: true, checked: 1, first: 1, last: 1 })
    await again.close()
  })

  test('a chain killed at any moment is verifiable, and holds everything that was confirmed', async () => {
    const killed = process.env.ARKWATCH_PROOF === '1' ? 200 : 3
    const folder = newFolder()
    for (let round = 0; round < killed; round += 1) {
      const child = Bun.spawn([process.execPath, join(import.meta.dir, 'fixtures/write-forever.ts'), folder], {
        stdout: 'pipe',
        stderr: 'inherit',
      })
      let confirmed = 0
      const enough = 1 + Math.floor(Math.random() * 20)
      let lines = 0
      for await (const chunk of child.stdout) {
        const numbers = new TextDecoder().decode(chunk).trimEnd().split('\n')
        confirmed = Number(numbers.at(-1))
        lines += numbers.length
        if (lines >= enough) child.kill('SIGKILL')
      }
      await child.exited
      const { log, close } = await openAudit(folder)
      const verdict = await log.verify()
      expect([round, verdict.ok, verdict.last >= confirmed]).toEqual([round, true, true])
      await close()
    }
    // 200 real processes in full counts.
  }, 240_000)
})

describe('changes', () => {
  test.each<[string, unknown, unknown, unknown]>([
    ['nothing', { a: 1 }, { a: 1 }, []],
    ['a leaf', { a: { b: 1 } }, { a: { b: 2 } }, [{ path: '/a/b', before: 1, after: 2 }]],
    ['what is new', {}, { 'a/b': 1 }, [{ path: '/a~1b', after: 1 }]],
    ['what is gone', { a: 1 }, {}, [{ path: '/a', before: 1 }]],
    ['a list as a whole', { a: [1] }, { a: [1, 2] }, [{ path: '/a', before: [1], after: [1, 2] }]],
  ])('%s', (_, before, after, expected) => expect(differences(before, after)).toEqual(expected as never))

  test('are bounded, in number and in depth', () => {
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, 1]))
    expect(differences({}, { a: wide })).toHaveLength(1)
    expect(differences({ a: {} }, { a: wide })).toHaveLength(maxDifferences)
    let deep: unknown = 1
    for (let level = 0; level < 100; level += 1) deep = { deep }
    expect(JSON.stringify(scrub(deep, () => 'h'))).toContain('[deep]')
  })
})

test('a secret in a text is hidden by its key, and a number of tokens is not', () => {
  const shown = (value: unknown) => scrub(value, () => 'h')
  expect(shown('job with token=canary&a=b')).toBe('job with token=h&a=b')
  expect(shown('https://user:pa canary@host/x')).toBe('https://h@host/x')
  expect(shown({ maxTokens: 5, tokens: '5', token: 5 })).toEqual({ maxTokens: 5, tokens: 'h', token: 'h' })
})

test('whatever has a secret name elsewhere has one in a record, besides names that only a record hides', () => {
  const everywhere =
    'password passwd passphrase clientSecret authorization cookie macaroon nsec apiKey x-api-key mnemonic credentials ' +
    'preimage xprv jwt otp pin bearer seed dsn pwd smtpPass db_pass arkwatch_session'
  const here = 'cacheKey tokenHash dsnHost privateNote seedNode pwdFile'
  const shown = (names: string) =>
    names.split(' ').filter((name) => (scrub({ [name]: 'canary' }, () => 'h') as never)[name] !== 'h')
  expect(everywhere.split(' ').filter((name) => !isSecretKey(name))).toEqual([])
  expect(shown(`${everywhere} ${here}`)).toEqual([])
  const harmless = 'keyId key_id keysCount publicKey pubkey tokensTotal name user'
  expect(shown(harmless)).toEqual(harmless.split(' '))
})

test('a JWT is hidden wherever it is, and 1 MiB that begins like one is searched in linear time', () => {
  const shown = (text: string) => scrub(text, () => 'h')
  expect(shown('Bearer eyJhbGciOi.eyJzdWIi.c2ln, token-eyJhbGciOi-x.eyJzdWIi.c2ln')).toBe('Bearer h, token-h')
  for (const part of ['eyJ', 'eyJ-', 'eyJ-eyJ_', 'eyJa.', 'eyJa-eyJ.b', 'eyJ-.']) {
    const { user } = process.cpuUsage()
    shown(part.repeat(2 ** 20 / part.length))
    expect([part, process.cpuUsage().user - user < 2_000_000]).toEqual([part, true])
  }
})

test('the file sink copies every line, drops what is too much, and reports a file that cannot be written', async () => {
  const told: (string | undefined)[] = []
  const path = join(newFolder(), 'copy.jsonl')
  const sink = new FileSink(path, (problem) => told.push(problem))
  sink.add(['{"a":1}', '{"a":2}'])
  sink.add(['x'.repeat(maxPendingBytes), 'y'])
  await sink.close()
  expect(readFileSync(path, 'utf8').startsWith('{"a":1}\n{"a":2}\n')).toBe(true)
  sink.add(Array.from({ length: 5 }, () => 'x'.repeat(1024 * 1024)))
  await sink.close()
  expect(sink.dropped).toBe(2)
  const broken = new FileSink('/proc/nothing/here', (problem) => told.push(problem))
  broken.add(['a'])
  await broken.close()
  expect(told.at(-1)).toContain('ENOENT')
  expect(broken.dropped).toBe(1)
})
