import { expect, test } from 'bun:test'
import { extensionPoint } from '../../../core/plugin.ts'
import { type Context, type Parts, rig } from './host-rig.ts'

interface Named {
  readonly name: string
  readonly round: number
}
const named = extensionPoint<Named>('test.named', {
  shape: { name: 'text', round: 'number' },
  nameOf: ({ name }) => name,
})

type Replace = (contribute: () => () => void, withdraw: () => void) => () => void
const orders: Record<string, Replace> = {
  'before the older one is withdrawn': (contribute, withdraw) => {
    const next = contribute()
    withdraw()
    return next
  },
  'after the older one is withdrawn': (contribute, withdraw) => {
    withdraw()
    return contribute()
  },
}
const moments = ['start', 'ready', 'reconfigure', 'a timer'] as const

/** Counts the values of the name that the owner of the point sees at each change. */
async function boot(giver: (context: Context) => Parts) {
  const booted = rig()
  const seen: number[] = []
  let rounds = (): number[] => []
  booted.define('owner', {
    setup({ extensions }) {
      const list = extensions(named)
      list.onChange(() => seen.push(list.all.length))
      rounds = () => list.all.map(({ value }) => value.round)
      return {}
    },
  })
  booted.define('giver', { setup: giver })
  await booted.host.boot([booted.section('owner'), booted.section('giver')])
  await booted.host.ready()
  return { ...booted, seen, rounds: () => rounds() }
}

for (const [order, replace] of Object.entries(orders)) {
  for (const moment of moments) {
    test(`a plugin may contribute the next value of a name in ${moment} ${order}`, async () => {
      const booted = await boot(({ contribute, clock }) => {
        let round = 0
        const next = () => contribute(named({ name: 'one', round: ++round }))
        let undo = next()
        const change = () => {
          undo = replace(next, undo)
        }
        return {
          ...(moment === 'start' && { start: change }),
          ...(moment === 'ready' && { ready: change }),
          reconfigure: moment === 'reconfigure' ? change : undefined,
          ...(moment === 'a timer' && { start: () => void clock.after(1_000, change) }),
        }
      })
      if (moment === 'reconfigure') await booted.host.reload([booted.section('owner'), booted.section('giver', 2)])
      await booted.clock.advance(1_000)
      expect(booted.rounds()).toEqual([2])
      expect(Math.max(...booted.seen)).toBe(1)
      if (order.startsWith('before')) expect(Math.min(...booted.seen)).toBe(1)
      expect(booted.lines).toEqual([])
      expect(booted.host.status()).toMatchObject([{}, { name: 'giver', state: 'ok', errors: 0 }])
    })
  }
}

test('a value whose name stays taken is refused, until the older one is withdrawn', async () => {
  const undos: (() => void)[] = []
  const booted = await boot(({ contribute }) => {
    for (const round of [1, 2]) undos.push(contribute(named({ name: 'one', round })))
    return {}
  })
  expect(booted.rounds()).toEqual([1])
  expect(booted.reasons().giver).toContain('the name one belongs to giver')
  expect(booted.lines.map(({ level }) => level)).toContain('error')
  undos[0]!()
  expect(booted.rounds()).toEqual([2])
  await booted.clock.advance(61_000)
  expect(booted.states().giver).toBe('ok')
})

test('a value that is withdrawn in the turn in which it came is not refused afterwards', async () => {
  const booted = await boot(({ contribute }) => {
    contribute(named({ name: 'one', round: 1 }))
    return { ready: () => contribute(named({ name: 'one', round: 2 }))() }
  })
  expect(booted.rounds()).toEqual([1])
  expect(booted.host.status()[1]).toMatchObject({ state: 'ok', errors: 0 })
})
