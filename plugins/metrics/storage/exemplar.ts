/** PURE. Exemplars as OpenMetrics writes them after a sample. */
import type { Exemplar } from '../api.ts'
import { metricsError } from '../errors.ts'
import { labelText, prometheusNumber } from '../exposition/notation.ts'

/** Limit of characters in all. @see https://prometheus.io/docs/specs/om/open_metrics_spec/#exemplars */
const maxExemplarCharacters = 128

const problemOf = (exemplar: Exemplar): string | undefined => {
  let characters = 0
  for (const [name, value] of Object.entries(exemplar)) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) return `${JSON.stringify(name.slice(0, 100))} is not a label name`
    if (typeof value !== 'string') return `${name} is not text`
    characters += name.length
    if (value.length > 2 * maxExemplarCharacters) return `${name} is too long`
    for (const _ of value) characters += 1
  }
  return characters > maxExemplarCharacters ? `it has ${characters} characters` : undefined
}

/**
 * @param value that the exemplar stands for
 * @param nowMs epoch milliseconds
 * @returns ` # {trace_id="a"} 0.05 1767225600.000`
 * @throws METRICS_EXEMPLAR_INVALID
 */
export function exemplarText(metric: string, exemplar: Exemplar, value: number, nowMs: number): string {
  const problem = problemOf(exemplar)
  if (problem !== undefined) {
    throw metricsError('METRICS_EXEMPLAR_INVALID', { metric, problem, limit: maxExemplarCharacters })
  }
  return writtenExemplar(Object.entries(exemplar), value, (nowMs / 1_000).toFixed(3))
}

/** @param seconds since the epoch */
export const writtenExemplar = (
  labels: readonly (readonly [string, string])[],
  value: number,
  seconds: number | string,
): string => ` # ${labels.length === 0 ? '{}' : labelText(labels)} ${prometheusNumber(value)} ${seconds}`
