import { describe, expect, test } from 'bun:test'
import { createRedactor } from '../../../../core/contract/redact/redactor.ts'
import { issued } from '../../../../core/contract/redact/secret-shapes.ts'
import { issuedKeys } from './issued-samples.ts'

const redactor = createRedactor()

describe('a key with the prefix of its issuer is secret in prose', () => {
  for (const [shown, key] of issuedKeys)
    test(`${shown}${key.slice(0, 12)}…`, () => {
      for (const [before, after] of [
        ['', ''],
        ['the call with ', ' was refused'],
        ['("', '"), again'],
        ['{"text":"two lines\\n', '\\nend"}'],
        ['/x?q=a%20', '&b=1'],
        ['/x/_', '.'],
      ]) {
        const text = redactor.text(`${before}${shown}${key}${after}`)
        // The full stop at the end of a sentence may be part of a key.
        expect(text.replace(/\]$/, after === '.' ? '].' : ']')).toBe(`${before}${shown}[redacted]${after}`)
      }
    })

  test('every row of the table has a sample', () => {
    const rows = issued.filter((row) => !issuedKeys.some(([shown, key]) => row.test(`${shown}${key}`)))
    expect(rows).toEqual([])
    expect(issued.length).toBeGreaterThan(30)
  })
})

describe('what looks like a key and is public stays', () => {
  const txid = '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b'
  const table: Record<string, string> = {
    'a commit of git': '46bd511c0e7a9f1d2b3c4d5e6f708192a3b4c5d6',
    'a UUID': '123e4567-e89b-42d3-a456-426614174000',
    'a transaction': txid,
    'an output of a transaction': `${txid}:0`,
    'a raw transaction': `0200000001${txid}00000000`,
    'a public key of Nostr': 'npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6',
    'a note of Nostr': 'note1fntxtkcy9pjwucqwa9mddn7v03wwwsu9j330jj350nvhpky2tuaspk6nqc',
    'an address of Bitcoin (bech32)': 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq',
    'an address of Bitcoin (taproot)': 'bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr',
    'an address of Bitcoin (base58)': '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
    'an extended public key':
      'xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8',
    'an invoice of Lightning': `lnbc20u1p3y0x3h${'pp5743k2g0fsqqxj7n8qzuhns5gmkk4djeejk3w'.repeat(3)}`,
    'a file in IPFS': 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPBdG',
    'a digest of an image': `alpine@sha256:${txid}`,
    'a variable of npm': 'npm_config_registry_of_the_organisation_example',
    'a package of npm': 'npm_package_dependencies_left_pad',
    'a name of CSS': 'sk-folding-cube-animation-of-the-spinner',
    'a word that ends like a prefix': 'task-management-of-the-organisation-risk-proj-x',
    'a pod of Kubernetes': 'glpat-operator-7f9',
    'a word in capitals': 'ASIAPACIFICREGIONALOFFICES',
    'a module': 'hf_transformers_cache_directory_of_the_model_hub',
    'a column': 'sk_test_id',
    'a path of Slack': 'https://hooks.slack.com/services/',
    'a time': '2026-01-01T00:00:00.000Z',
    'a trace': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'a key of an idempotent call': 'pi_3MtwBwLkdIwHu7ix28a3tqPa',
    'a publishable key of Stripe': ['pk', 'live', '51H8abcdEFGHijklMNOPqrst'].join('_'),
  }
  for (const [name, text] of Object.entries(table))
    test(name, () => expect(redactor.text(`got ${text} back`)).toBe(`got ${text} back`))
})
