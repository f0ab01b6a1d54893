/** What a scraper accepts. @see RFC 9110, 12.5 */
import { parseAccept } from 'hono/utils/accept'
import type { Format } from './format.ts'

interface Accepted {
  readonly value: string
  readonly version: string | undefined
  /** 0-1. */
  readonly quality: number
}

const maxHeaderLength = 2_000

const accepted = (header: string): Accepted[] =>
  parseAccept(header.slice(0, maxHeaderLength)).map(({ type, params }) => {
    const quality = Number(params.q ?? params.Q ?? 1)
    return { value: type.toLowerCase(), version: params.version, quality: quality >= 0 && quality <= 1 ? quality : 0 }
  })

const best = (all: readonly Accepted[], value: string, versions: readonly string[]): number | undefined => {
  const qualities = all
    .filter((one) => one.value === value && versions.includes(one.version ?? versions[0]!))
    .map(({ quality }) => quality)
  return qualities.length === 0 ? undefined : Math.max(...qualities)
}

/** @param accept the header @returns OpenMetrics where it is named and preferred, otherwise text 0.0.4 */
export function formatFor(accept: string | null): Format {
  if (accept === null) return 'prometheus'
  const all = accepted(accept)
  const openmetrics = best(all, 'application/openmetrics-text', ['1.0.0', '0.0.1']) ?? 0
  const text = best(all, 'text/plain', ['0.0.4']) ?? best(all, 'text/*', ['']) ?? best(all, '*/*', ['']) ?? 0
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'prometheus'
}

/** @param accept the header @returns whether JSON is named, and preferred to every text that a scraper reads */
export function prefersJson(accept: string | null): boolean {
  if (accept?.toLowerCase().includes('application/json') !== true) return false
  const all = accepted(accept)
  const texts = all.filter(({ value }) => ['application/openmetrics-text', 'text/plain', 'text/*'].includes(value))
  return (best(all, 'application/json', ['']) ?? 0) > Math.max(0, ...texts.map(({ quality }) => quality))
}

/** @param acceptEncoding the header */
export function acceptsGzip(acceptEncoding: string | null): boolean {
  if (acceptEncoding === null) return false
  const all = accepted(acceptEncoding)
  return (best(all, 'gzip', ['']) ?? best(all, '*', ['']) ?? 0) > 0
}
