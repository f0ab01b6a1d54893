/** `arkwatch audit verify` and `arkwatch audit export`. */
import { createReadStream, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { messageOf } from '../../../core/contract/errors.ts'
import type { AuditVerdict } from '../../../plugins/audit/api.ts'
import { verifyExport } from '../../../plugins/audit/chain/verify-export.ts'
import { auditError } from '../../../plugins/audit/errors.ts'
import { answer, type Cli, type Command } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'

interface Options {
  /** An export, checked without the running instance. */
  readonly file?: string
  /** A file with the public key that must have signed it. */
  readonly key?: string
}

const timeoutMs = 600_000

async function verifyFile(cli: Cli, file: string, keyFile: string | undefined): Promise<AuditVerdict> {
  try {
    const trusted = keyFile === undefined ? undefined : readFileSync(resolve(cli.cwd, keyFile), 'utf8')
    const lines = createInterface({ input: createReadStream(resolve(cli.cwd, file), 'utf8'), crlfDelay: Infinity })
    const { publicKey, ...verdict } = await verifyExport(file, lines, trusted)
    if (trusted === undefined)
      cli.warn(
        `checked with the key that the export itself names; pass --key to be sure whose it is:\n${publicKey.trim()}`,
      )
    return verdict
  } catch (error) {
    if ((error as { code?: string }).code === 'AUDIT_EXPORT_INVALID') throw error
    throw auditError('AUDIT_EXPORT_INVALID', { file, reason: messageOf(error) }, error)
  }
}

const verdictLine = ({ checked, first, last, problem }: AuditVerdict) =>
  problem === undefined
    ? `ok: ${checked} record(s), ${first} to ${last}`
    : `NOT OK at record ${problem.seq}: ${problem.what} (${checked} right before it)`

export const verify: Command<[], Options> = async (cli, { file, key }) => {
  const verdict = await (file === undefined
    ? instance(cli, timeoutMs).call<AuditVerdict>('audit.verify')
    : verifyFile(cli, file, key))
  answer(cli, verdict, verdictLine)
  return verdict.ok ? exitCodes.ok : exitCodes.negative
}

export const exportRecords: Command = async (cli) =>
  answer(cli, await instance(cli, timeoutMs).call<{ text: string; publicKey: string }>('audit.export'), ({ text }) =>
    text.trimEnd(),
  )
