/** Checks an exported log without the instance that wrote it. */
import type { AuditVerdict } from '../api.ts'
import { auditError } from '../errors.ts'
import { ChainCheck, type Checkpoint, type Fault, origin } from './chain.ts'
import { isSigned } from './signer.ts'

interface Line {
  readonly kind?: string
  readonly version?: number
  readonly publicKey?: string
  readonly anchor?: Checkpoint
  readonly hash?: string
  readonly record?: { readonly seq?: number }
}

export interface ExportVerdict extends AuditVerdict {
  /** The key that the export names; trust it only if it is the one that you know. */
  readonly publicKey: string
}

/** @param trusted PEM of the key that must have signed it, else the export's own @throws AUDIT_EXPORT_INVALID */
export async function verifyExport(
  file: string,
  lines: AsyncIterable<string> | Iterable<string>,
  trusted?: string,
): Promise<ExportVerdict> {
  const invalid = (reason: string) => auditError('AUDIT_EXPORT_INVALID', { file, reason })
  let check: ChainCheck | undefined
  let publicKey = ''
  let end: Checkpoint | undefined
  const verdict = (problem: Fault | undefined): ExportVerdict => ({ ...check!.verdict(problem), publicKey })
  for await (const text of lines) {
    if (text === '') continue
    let line: Line
    try {
      line = JSON.parse(text) as Line
    } catch {
      if (check === undefined) throw invalid('its first line is not JSON')
      return verdict({ seq: check.at.seq + 1, what: 'a line is not JSON' })
    }
    if (check === undefined) {
      if (line.kind !== 'arkwatch-audit' || line.version !== 1 || typeof line.publicKey !== 'string')
        throw invalid('its first line does not say so')
      publicKey = trusted ?? line.publicKey
      const { anchor } = line
      check = new ChainCheck(anchor ?? origin)
      if (trusted !== undefined && trusted.trim() !== line.publicKey.trim())
        return verdict({ seq: 0, what: 'it was signed with another key' })
      if (anchor !== undefined && !isSigned('anchor', anchor, publicKey))
        return verdict({ seq: anchor.seq, what: 'what it begins with is not signed by this key' })
    } else if (end !== undefined) {
      return verdict({ seq: check.at.seq + 1, what: 'there is more after its end' })
    } else if (line.kind === 'record') {
      if (!check.take({ seq: line.record?.seq ?? 0, hash: line.hash ?? '', text: JSON.stringify(line.record) ?? '' }))
        return verdict(check.fault)
    } else if (line.kind === 'end') {
      end = line as unknown as Checkpoint
    } else return verdict({ seq: check.at.seq + 1, what: 'a line is of no known kind' })
  }
  if (check === undefined) throw invalid('it is empty')
  if (end === undefined) return verdict({ seq: check.at.seq + 1, what: 'its end is missing' })
  if (!isSigned('head', end, publicKey)) return verdict({ seq: end.seq, what: 'its end is not signed by this key' })
  check.expect(end)
  const fault = check.end()
  if (fault === undefined && (end.seq !== check.at.seq || end.hash !== check.at.hash))
    return verdict({ seq: end.seq, what: 'its signed end is another one' })
  return verdict(fault)
}
