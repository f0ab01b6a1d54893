/** The refusals of a remote process, as errors. */
import { ArkwatchError } from '../core/contract/errors.ts'
import { cliError } from './errors.ts'

type Json = Record<string, unknown>

/** @param json the problem in the answer @returns its error, or CLI_REMOTE_UNREACHABLE if it is not of Arkwatch */
export function refusal(url: string, status: number, json: Json): ArkwatchError {
  if (typeof json.code !== 'string')
    return cliError('CLI_REMOTE_UNREACHABLE', { url, reason: `it answered ${status}, as no Arkwatch does` })
  const details = Array.isArray(json.errors) ? { errors: json.errors } : {}
  return new ArkwatchError(json.code, String(json.detail), String(json.help ?? ''), details)
}
