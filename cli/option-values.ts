/** Values of options, read from their text. */
import { parseDuration } from '../core/contract/units.ts'
import { cliError } from './errors.ts'

const refuse = (option: string, expected: string, text: string) =>
  cliError('CLI_USAGE', { what: `--${option} takes ${expected}, got ${JSON.stringify(text)}` })

/** @param range from the least to the most, both included @returns milliseconds, above 0 @throws CLI_USAGE */
export function durationOption(
  option: string,
  text: string,
  example: string,
  range?: readonly [string, string],
): number {
  const ms = parseDuration(text)
  const [least = 0, most = 0] = range?.map(parseDuration) ?? []
  const isOut = range !== undefined && (!ms || ms < least || ms > most)
  if (isOut) throw refuse(option, `a duration from ${range.join(' to ')}, such as ${example}`, text)
  if (!ms) throw refuse(option, `a duration such as ${example}`, text)
  return ms
}

/** @returns a process id @throws CLI_USAGE */
export function pidOption(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw refuse('pid', 'a process id', text)
  return Number(text)
}

/** @returns the number of `--limit`, from 1 to `max` @throws CLI_USAGE */
export function limitOption(text: string, max: number): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > max)
    throw refuse('limit', `a whole number from 1 to ${max}`, text)
  return count
}
