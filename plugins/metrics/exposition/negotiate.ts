/** What a scraper accepts. @see RFC 9110, 12.5 */
import type { Format } from './format.ts'

interface Accepted {
  readonly value: string
  readonly parameters: ReadonlyMap<string, string>
  /** 0-1. */
  readonly quality: number
}

const maxHeaderLength = 2_000

function parseAccept(header: string): Accepted[] {
  return header
    .slice(0, maxHeaderLength)
    .split(',')
    .map((part) => {
      const [value = '', ...rest] = part.split(';').map((text) => text.trim())
      const parameters = new Map(
        rest.map((text) => {
          const [name = '', given = ''] = text.split('=')
          return [name.trim().toLowerCase(), given.trim().replace(/^"(.*)"$/, '$1')]
        }),
      )
      const quality = parameters.has('q') ? Number(parameters.get('q')) : 1
      return { value: value.toLowerCase(), parameters, quality: quality >= 0 && quality <= 1 ? quality : 0 }
    })
    .filter(({ value }) => value !== '')
}

const best = (accepted: readonly Accepted[], value: string, versions: readonly string[]): number | undefined => {
  const qualities = accepted
    .filter((one) => one.value === value && versions.includes(one.parameters.get('version') ?? versions[0]!))
    .map(({ quality }) => quality)
  return qualities.length === 0 ? undefined : Math.max(...qualities)
}

/** @param accept the header @returns OpenMetrics where it is named and preferred, otherwise text 0.0.4 */
export function formatFor(accept: string | null): Format {
  if (accept === null) return 'prometheus'
  const accepted = parseAccept(accept)
  const openmetrics = best(accepted, 'application/openmetrics-text', ['1.0.0', '0.0.1']) ?? 0
  const text =
    best(accepted, 'text/plain', ['0.0.4']) ?? best(accepted, 'text/*', ['']) ?? best(accepted, '*/*', ['']) ?? 0
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'prometheus'
}

/** @param accept the header @returns whether JSON is named, and preferred to every text that a scraper reads */
export function prefersJson(accept: string | null): boolean {
  if (accept?.toLowerCase().includes('application/json') !== true) return false
  const accepted = parseAccept(accept)
  const texts = ['application/openmetrics-text', 'text/plain', 'text/*'].map((type) =>
    Math.max(0, ...accepted.filter(({ value }) => value === type).map(({ quality }) => quality)),
  )
  return (best(accepted, 'application/json', ['']) ?? 0) > Math.max(...texts)
}

/** @param acceptEncoding the header */
export function acceptsGzip(acceptEncoding: string | null): boolean {
  if (acceptEncoding === null) return false
  const accepted = parseAccept(acceptEncoding)
  return (best(accepted, 'gzip', ['']) ?? best(accepted, '*', ['']) ?? 0) > 0
}
