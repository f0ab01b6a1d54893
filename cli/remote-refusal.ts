/** The refusals of a remote process, as errors. */
import { ArkwatchError } from '../core/contract/errors.ts'
import { cliError } from './errors.ts'

type Json = Record<string, unknown>

/** @param json the problem in the answer @returns the error it describes, or CLI_REMOTE_UNREACHABLE where no Arkwatch answers */
export function refusal(url: string, status: number, json: Json): ArkwatchError {
  if (typeof json.code !== 'string')
    return cliError('CLI_REMOTE_UNREACHABLE', { url, reason: `it answered ${status}, as no Arkwatch does` })
  const places = ((json.errors as Json[] | undefined) ?? []).map(
    ({ pointer, parameter, detail }) => `${pointer ?? parameter}: ${detail}`,
  )
  return new ArkwatchError(json.code, [String(json.detail), ...places].join('\n  '), String(json.help ?? ''))
}
