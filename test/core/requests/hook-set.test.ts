import { expect, test } from 'bun:test'
import type { RequestHooks } from '../../../core/contract/request-hooks.ts'
import { fallbackSink, LogHub } from '../../../core/process/log.ts'
import { HookSet, type OwnedHooks } from '../../../core/requests/hook-set.ts'
import { Scope } from '../../../core/requests/request-scope.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { owned } from '../http/support.ts'

const route = { id: 0, method: 'GET', pattern: '/' }
const request = new Request('http://localhost/')

function setup() {
  const clock = testClock()
  const lines: { message: string; plugin?: string; hook?: string }[] = []
  const log = new LogHub(
    clock,
    fallbackSink((line) => lines.push(JSON.parse(line))),
  ).logger('core')
  const hooks = new HookSet(clock, log)
  return {
    clock,
    lines,
    hooks,
    observe: () => {
      hooks.observe(Float64Array.of(200, 1, 2), 3, [route])
      hooks.observeRequest(route, 200, 1, 2, request)
    },
  }
}

test('a hook that throws is reported, the others still run, once each', () => {
  const { hooks, observe } = setup()
  const calls: string[] = []
  const errors: unknown[] = []
  const bad = {
    observe: () => {
      throw new Error('bad')
    },
  }
  hooks.replace([
    owned({ observe: () => void calls.push('first') }),
    owned(bad, 'bad', (error) => errors.push(error)),
    owned({ observe: () => void calls.push('last') }),
  ])
  observe()
  expect(calls).toEqual(['first', 'last'])
  expect(errors).toEqual([new Error('bad')])
})

for (const kind of ['observe', 'observeRequest', 'onRequest', 'onResponse', 'onError'] as const) {
  test(`an ${kind} that throws ten times in a row is taken out, and nine times is not`, () => {
    const { hooks, lines, observe } = setup()
    let calls = 0
    let good = false
    let errors = 0
    const hook = () => {
      calls += 1
      if (!good) throw new Error('bad')
      return undefined
    }
    hooks.replace([
      owned({ [kind]: hook } as RequestHooks, 'probe', () => {
        errors += 1
      }),
    ])
    const scope = () => new Scope(request, 0, hooks.current)
    const run = {
      observe,
      observeRequest: observe,
      onRequest: () => hooks.runOnRequest(scope(), () => false),
      onResponse: () => hooks.runOnResponse(scope(), undefined),
      onError: () => hooks.runOnError(scope(), new Error('of the application')),
    }[kind]
    for (let at = 0; at < 9; at += 1) run()
    good = true
    run()
    good = false
    for (let at = 0; at < 9; at += 1) run()
    expect([calls, errors, lines.length]).toEqual([19, 18, 0])
    for (let at = 0; at < 5; at += 1) run()
    expect([calls, errors]).toEqual([20, 19])
    expect(lines).toMatchObject([{ plugin: 'probe', hook: kind }])
    expect(hooks.observed || hooks.scoped).toBe(false)
  })
}

test.each(['onRequest', 'onResponse', 'onError'] as const)(
  'where %s throws for good, each request ends in the hooks of the instance that saw it begin, and in no others',
  (bad) => {
    const { hooks } = setup()
    const open = new Map<string, Set<number>>()
    const saw: Record<string, number> = {}
    const counts: string[] = []
    const wrong: string[] = []
    const gauge = (name: string, throws = '', answersEach = 0): OwnedHooks => {
      const begun = new Set<number>()
      open.set(name, begun)
      const step = (kind: string, run: () => void) => {
        run()
        saw[`${name} ${kind}`] = (saw[`${name} ${kind}`] ?? 0) + 1
        if (kind === throws) throw new Error('bad')
      }
      const reported = (what: string) => () => void counts.push(`${name} ${what}`)
      const set: RequestHooks = {
        onRequest({ startedMs }) {
          step('onRequest', () => begun.add(startedMs))
          return answersEach > 0 && startedMs % answersEach === 0 ? new Response('busy') : undefined
        },
        onError: ({ startedMs }) => step('onError', () => begun.has(startedMs) || wrong.push(`${name} error`)),
        onResponse: ({ startedMs }) => step('onResponse', () => begun.delete(startedMs) || wrong.push(`${name} end`)),
      }
      return { ...owned(set, name, reported('fault')), removed: reported('removed') }
    }
    hooks.replace([gauge('before'), gauge('bad', bad), gauge('answers', '', 3), gauge('after')])
    const pending: Scope[] = []
    const end = (scope: Scope) => {
      hooks.runOnError(scope, new Error('of the application'))
      hooks.runOnResponse(scope, undefined)
    }
    for (let at = 1; at <= 60; at += 1) {
      const scope = new Scope(request, at, hooks.current)
      hooks.runOnRequest(scope, () => false)
      pending.push(scope)
      if (pending.length > 5) end(pending.shift()!)
    }
    pending.forEach(end)
    expect(wrong).toEqual([])
    expect([...open].map(([name, begun]) => [name, begun.size])).toEqual([
      ['before', 0],
      ['bad', 0],
      ['answers', 0],
      ['after', 0],
    ])
    expect(saw['before onRequest']).toBe(60)
    expect(saw['after onResponse']).toBe(40)
    // What ends the work of a hook that does not throw goes on to end it.
    expect(saw['bad onResponse']).toBe(bad === 'onRequest' ? 10 : 60)
    expect(counts.filter((what) => what === 'bad removed')).toHaveLength(bad === 'onRequest' ? 1 : 0)
    expect(new Set(counts)).toEqual(new Set(bad === 'onRequest' ? ['bad fault', 'bad removed'] : ['bad fault']))
  },
)

test('the compiler refuses hooks that are async, and accepts those that return a value', () => {
  // @ts-expect-error a promise
  const late: RequestHooks = { observe: async () => {} }
  // @ts-expect-error a promise
  const later: RequestHooks = { onResponse: () => Promise.resolve(5) }
  let count = 0
  const calls = new Map<string, number>()
  const good: RequestHooks = { observe: () => (count += 1), onError: () => calls.set('a', 1), onResponse() {} }
  expect([late, later, good].flatMap(Object.keys)).toEqual([
    'observe',
    'onResponse',
    'observe',
    'onError',
    'onResponse',
  ])
})

const usedResponse = () => {
  const response = new Response('once')
  void response.text()
  return response
}

test.each<[string, () => unknown, string]>([
  ['a promise', () => Promise.reject(new Error('late')), 'onRequest returned a promise: hooks are synchronous'],
  ['null', () => null, 'onRequest returned null (empty): expected a Response or undefined'],
  ['a number', () => 200, 'onRequest returned 200 (number): expected a Response or undefined'],
  ['an object', () => ({}), 'onRequest returned a map: expected a Response or undefined'],
  ['an error response', () => Response.error(), 'onRequest returned Response.error()'],
  ['a used response', usedResponse, 'onRequest returned a Response whose body was used already'],
])('%s as the answer of onRequest does not answer the request, and is reported', (_, answer, message) => {
  const { hooks } = setup()
  const errors: unknown[] = []
  const fine = new Response('fine')
  const bad = { onRequest: answer } as RequestHooks
  hooks.replace([owned(bad, 'bad', (error) => errors.push(error)), owned({ onRequest: () => fine })])
  expect(hooks.runOnRequest(new Scope(request, 0, hooks.current), () => false)).toBe(fine)
  expect(errors).toEqual([new TypeError(message)])
})

test('a hook taken out comes back with the next set of hooks', () => {
  const { hooks, observe } = setup()
  const bad = owned({
    observe: () => {
      throw new Error('bad')
    },
  })
  hooks.replace([bad])
  for (let at = 0; at < 10; at += 1) observe()
  expect(hooks.observed).toBe(false)
  hooks.replace([bad])
  expect(hooks.observed).toBe(true)
})

test('requests over a reload say nothing about the hooks in force', () => {
  const { hooks, lines } = setup()
  let broken = true
  const removed: string[] = []
  const hook = () => {
    if (broken) throw new Error('bad')
  }
  const owner = { ...owned({ onResponse: hook }), removed: (reason: string) => void removed.push(reason) }
  hooks.replace([owner])
  const pending = Array.from({ length: 12 }, () => new Scope(request, 0, hooks.current))
  hooks.replace([owner])
  for (const scope of pending) hooks.runOnResponse(scope, undefined)
  broken = false
  expect([removed, lines, hooks.scoped]).toEqual([[], [], true])
})

test('the time of observers is measured, that of other hooks estimated from one call in 1,024, for each plugin', () => {
  const { hooks, observe, clock } = setup()
  let nowMs = 0
  clock.monotonic = () => nowMs
  const taking = (ms: number) => () => {
    nowMs += ms
  }
  hooks.replace([
    owned({ observe: taking(2) }, 'slow'),
    owned({ observe: taking(0.5) }, 'quick'),
    owned({ observeRequest: taking(0.25) }, 'sampled'),
  ])
  for (let at = 0; at < 4_096; at += 1) observe()
  expect(hooks.hookMs('slow')).toBe(2 * 4_096)
  expect(hooks.hookMs('quick')).toBe(0.5 * 4_096)
  expect(hooks.hookMs('sampled')).toBe(0.25 * 4_096)
  expect(hooks.hookMs('unknown')).toBe(0)
})

test('an observer that throws in the middle of many requests is notified of the requests after it, and each failure is reported', () => {
  const { hooks } = setup()
  const seen: number[] = []
  const errors: unknown[] = []
  const observe = (_route: unknown, status: number) => {
    if (status === 500) throw new Error('bad')
    seen.push(status)
  }
  hooks.replace([owned({ observe }, 'probe', (error) => errors.push(error))])
  const statuses = [200, 500, 201, 500, 500, 202]
  hooks.observe(Float64Array.from(statuses.flatMap((status) => [status, 1, 2])), statuses.length * 3, [route])
  expect(seen).toEqual([200, 201, 202])
  expect(errors).toHaveLength(3)
  expect(hooks.observed).toBe(true)
})

test('an observer that throws ten times in a row is not notified of the rest', () => {
  const { hooks } = setup()
  let calls = 0
  const observe = () => {
    calls += 1
    throw new Error('bad')
  }
  hooks.replace([owned({ observe })])
  hooks.observe(Float64Array.from(Array.from({ length: 15 }, () => [200, 1, 2]).flat()), 45, [route])
  expect(calls).toBe(10)
  expect(hooks.observed).toBe(false)
})

test('hooks are called as methods of their object', () => {
  const { hooks, observe } = setup()
  const counter = {
    count: 0,
    observe() {
      this.count += 1
    },
  }
  hooks.replace([owned(counter)])
  observe()
  expect(counter.count).toBe(1)
})
