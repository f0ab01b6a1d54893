import { expect, test } from 'bun:test'
import { createRedactor } from '../../../../core/contract/redact/redactor.ts'
import { sanitizeFields } from '../../../../core/process/sanitize.ts'
import { scrub } from '../../../../plugins/audit/journal/changes.ts'
import { boundedResult } from '../../../../plugins/health/checks/result.ts'

const redactor = createRedactor()
const writers: Record<string, (pair: object) => string> = {
  'a log line': (pair) => JSON.stringify(sanitizeFields(redactor, { env: [pair] }, {})),
  'its JSON in a text': (pair) => redactor.text(`got ${JSON.stringify([pair])}`),
  'an audit record': (pair) => JSON.stringify(scrub({ env: [pair] }, () => '[redacted]')),
  'the details of a check': (details) => JSON.stringify(boundedResult({ status: 'up', details }, (text) => text)),
}

for (const [where, write] of Object.entries(writers)) {
  test.each([
    [{ name: 'DB_PASSWORD', value: 'canary1' }],
    [{ key: 'api_token', value: 'canary1' }],
    [{ Name: 'AccountKey', Value: 'canary1' }],
    [{ name: 'Authorization', comment: '', value: 'canary1' }],
  ])(`the value of %j is hidden in ${where}`, (pair) => {
    const shown = write(pair)
    expect(shown).not.toContain('canary1')
    expect(shown).toContain('[redacted]')
  })

  test.each([
    [{ name: 'LANG', value: 'canary1' }],
    [{ name: 'max_tokens', value: 4096 }],
    [{ value: 'canary1' }],
    [{ title: 'password', value: 'canary1' }],
  ])(`%j stays readable in ${where}`, (pair) => {
    expect(write(pair)).toContain(String(pair.value))
  })
}
