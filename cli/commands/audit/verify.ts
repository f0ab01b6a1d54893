/** `arkwatch audit verify` */
import { createReadStream, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { messageOf } from '../../../core/contract/errors.ts'
import type { AuditVerdict } from '../../../plugins/audit/api.ts'
import { verifyExport } from '../../../plugins/audit/chain/verify-export.ts'
import { auditError } from '../../../plugins/audit/errors.ts'
import { type Cli, type Command, printJson } from '../../cli.ts'
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

const auditVerify: Command<[], Options> = async (cli, { file, key }) => {
  const verdict =
    file === undefined
      ? await instance(cli, timeoutMs).call<AuditVerdict>('audit.verify')
      : await verifyFile(cli, file, key)
  if (cli.json) printJson(cli, verdict)
  else if (verdict.problem === undefined)
    cli.print(`ok: ${verdict.checked} record(s), ${verdict.first} to ${verdict.last}`)
  else
    cli.print(`NOT OK at record ${verdict.problem.seq}: ${verdict.problem.what} (${verdict.checked} right before it)`)
  return verdict.ok ? exitCodes.ok : exitCodes.negative
}

export default auditVerify
