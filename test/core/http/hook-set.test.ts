import { expect, test } from 'bun:test'
import { HookSet } from '../../../core/http/hook-set.ts'
import { Scope } from '../../../core/http/request-scope.ts'
import { fallbackSink, LogHub } from '../../../core/log.ts'
import type { RequestHooks } from '../../../core/request.ts'
import { testClock } from '../../../testing/test-clock.ts'
import { owned } from './support.ts'

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
  return { clock, lines, hooks, observe: () => hooks.observe(route, 200, 1, 2, request) }
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

for (const kind of ['observe', 'onRequest', 'onResponse', 'onError'] as const) {
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
    const scope = new Scope(request, 0)
    const run = {
      observe,
      onRequest: () => hooks.answer(scope),
      onResponse: () => hooks.responded(scope, undefined),
      onError: () => hooks.threw(scope, new Error('of the application')),
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

test('the time of hooks is estimated from one call in 1,024, for each plugin', async () => {
  const { hooks, observe, clock } = setup()
  let nowMs = 0
  clock.monotonic = () => nowMs
  hooks.replace([
    owned(
      {
        observe: () => {
          nowMs += 2
        },
      },
      'slow',
    ),
    owned(
      {
        observe: () => {
          nowMs += 0.5
        },
      },
      'quick',
    ),
  ])
  for (let at = 0; at < 4_096; at += 1) observe()
  expect(hooks.hookMs('slow')).toBe(2 * 4_096)
  expect(hooks.hookMs('quick')).toBe(0.5 * 4_096)
  expect(hooks.hookMs('unknown')).toBe(0)
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
