/** Reads the rollback signals that plugins contribute. */
import { disown } from '../contract/foreign/calls.ts'
import { shapeProblem } from '../contract/foreign/shape.ts'
import { show } from '../contract/redact/redactor.ts'
import type { RollbackSignal } from '../contract/runtime-api.ts'
import type { Extensions } from '../contract/tokens.ts'

const signalShape = { plugin: 'text', critical: 'flag', what: 'text' } as const

/** @throws TypeError for what is not a list of rollback signals */
function checkSignals(given: unknown): readonly RollbackSignal[] {
  disown(given)
  if (!Array.isArray(given)) throw new TypeError(`rollback signals: expected a list, got ${show(given)}`)
  return [...given].map((signal) => {
    const { plugin, critical, what } = Object(signal) as RollbackSignal
    const problem = shapeProblem(signalShape, { plugin, critical, what })
    if (problem !== undefined) throw new TypeError(`a rollback signal: ${problem}`)
    return { plugin, critical, what }
  })
}

/** The present signals. An error of a contribution is a fault of its plugin. */
export const readSignals = ({ all }: Extensions<() => readonly RollbackSignal[]>): readonly RollbackSignal[] =>
  all.flatMap(({ value, fault }) => {
    try {
      return checkSignals(value())
    } catch (error) {
      fault(error)
      return []
    }
  })
