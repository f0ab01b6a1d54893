/** `arkwatch audit verify` and `arkwatch audit export`. */
import { createReadStream, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { messageOf } from '../../../core/contract/errors.ts'
import { exitCodes } from '../../../core/exit-codes.ts'
import type { AuditVerdict } from '../../../plugins/audit/api.ts'
import { verifyExport } from '../../../plugins/audit/chain/verify-export.ts'
import { auditError } from '../../../plugins/audit/errors.ts'
import { answer, type Cli, type Command } from '../../cli.ts'
import { instance } from '../../instance.ts'

const timeoutMs = 600_000

async function verifyFile(cli: Cli, file: string, keyFile: string | undefined): Promise<AuditVerdict> {
  try {
    const trusted = keyFile === undefined ? undefined : readFileSync(resolve(cli.cwd, keyFile), 'utf8')
    const lines = createInterface({ input: createReadStream(resolve(cli.cwd, file), 'utf8'), crlfDelay: Infinity })
    const { publicKey, ...verdict } = await verifyExport(file, lines, trusted)
    const advice = 'checked with the key that the export itself names; pass --key to be sure whose it is:'
    if (trusted === undefined) cli.warn(`${advice}\n${publicKey.trim()}`)
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

export const verify: Command<[], { file?: string; key?: string }> = async (cli, { file, key }) => {
  const verdict = await (file === undefined
    ? instance(cli, timeoutMs).call<AuditVerdict>('audit.verify')
    : verifyFile(cli, file, key))
  answer(cli, verdict, verdictLine)
  return verdict.ok ? exitCodes.ok : exitCodes.negative
}

export const exportRecords: Command = async (cli) => {
  const made = await instance(cli, timeoutMs).call<{ text: string; publicKey: string }>('audit.export')
  return answer(cli, made, ({ text }) => text.trimEnd())
}
