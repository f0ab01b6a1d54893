/** Durations and sizes as people write them. */
import { z } from 'zod'

const msPerUnit: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const bytesPerUnit: Record<string, number> = {
  ...{ B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
}

/** @param text `500ms`, `15s`, `1h30m` @returns milliseconds, or undefined for a text that is not a duration */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d|w)/g))
    total += Number(amount) * msPerUnit[unit!]!
  return total
}

/** @param text `64MiB`, `10MB`, `512B` @returns bytes, or undefined for a text that is not a size */
function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/.exec(text)
  return match ? Math.round(Number(match[1]) * bytesPerUnit[match[2]!]!) : undefined
}

/** The smallest and the largest value allowed, written as in config. */
interface Bounds {
  readonly min?: string
  readonly max?: string
}
type Parse = (text: string) => number | undefined

function unit(parse: Parse, what: string, example: string, pattern: string, { min, max }: Bounds) {
  const low = min === undefined ? 0 : (parse(min) ?? 0)
  const high = max === undefined ? Number.POSITIVE_INFINITY : (parse(max) ?? 0)
  return z
    .string()
    .meta({ pattern, examples: [example] })
    .transform((text, context) => {
      const value = parse(text)
      const problem =
        value === undefined
          ? `expected a ${what} such as "${example}", got ${JSON.stringify(text)}`
          : value < low
            ? `expected at least ${min}, got ${JSON.stringify(text)}`
            : value > high
              ? `expected at most ${max}, got ${JSON.stringify(text)}`
              : undefined
      if (problem === undefined) return value as number
      context.addIssue({ code: 'custom', message: problem })
      return z.NEVER
    })
}

/** A schema for `15s`; the parsed value is in milliseconds. */
export const duration = (bounds: Bounds = {}) =>
  unit(parseDuration, 'duration', '15s', '^(0|(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+)$', bounds)

/** A schema for `64MiB`; the parsed value is in bytes. */
export const size = (bounds: Bounds = {}) =>
  unit(parseSize, 'size', '64MiB', '^\\d+(\\.\\d+)?\\s*(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$', bounds)
