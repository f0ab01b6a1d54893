import { expect, test } from 'bun:test'
import { yieldToLoop } from '../../../core/process/clock.ts'
import { type Draft, Journal } from '../../../plugins/audit/journal/journal.ts'
import type { Statement, StoreArea } from '../../../plugins/store/api.ts'

const draft = (requestId: string): Draft => ({
  principal: { name: 'k', role: 'auditor' },
  action: 'audit.list',
  from: '127.0.0.1',
  requestId,
  outcome: 'read',
})

test('records that come while a transaction is under way share the next one, up to 200, and wait until it is on the disk', async () => {
  const transactions: { readonly rows: number; done(): void }[] = []
  const area = {
    get: () => undefined,
    write: (statements: readonly Statement[]) =>
      new Promise<never[]>((resolve) => transactions.push({ rows: statements.length, done: () => resolve([]) })),
  } as unknown as StoreArea
  const journal = new Journal({ area: () => area, now: () => 0, written: () => {}, failed: () => {} })
  const answered: number[] = []
  const appended = Array.from({ length: 250 }, (_, index) =>
    journal.append(draft(`r${index}`)).then((seq) => answered.push(seq)),
  )
  for (let done = 0; done < 3; done += 1) {
    await yieldToLoop()
    expect([transactions.length, answered.length]).toEqual([done + 1, [0, 1, 201][done]!])
    transactions[done]!.done()
  }
  await Promise.all(appended)
  expect(transactions.map(({ rows }) => rows)).toEqual([1, 200, 49])
  expect(answered).toEqual(Array.from({ length: 250 }, (_, index) => index + 1))
})
