import { describe, expect, test } from 'bun:test'
import { createRedactor } from '../../../../core/contract/redact/redactor.ts'

const redactor = createRedactor({ extraKeys: ['boardingPass'] })
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'
const nsec = 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5'
const xprv =
  'xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi'
const macaroonHex = '0201036c6e6402f801030a10b3bf6906c1937139ac0684ac4417139d1201301a160a0761646472657373'
const macaroonBase64 = 'AgEDbG5kAvgBAwoQs79pBsGTcTmsBoSsRBcTnRIBMBoWCgdhZGRyZXNz'

/** Version 2: location, identifier, signature. */
const macaroonOf = (location: string, encoding: 'hex' | 'base64') =>
  Buffer.concat([
    Buffer.from([2, 1, location.length]),
    Buffer.from(location),
    Buffer.from([2, 16, ...Array(16).keys()]),
    Buffer.from([0, 0, 6, 32, ...Array(32).keys()]),
  ]).toString(encoding)
const oldMacaroon = Buffer.from('001clocation localhost:8080\n0015identifier ab\n002fsignature x').toString('base64')

describe('a key is secret by its name', () => {
  const secret =
    'password Password PASSWORD user_password db-password passwordHash secret clientSecret client_secret token accessToken ' +
    'access_token refresh-token authorization Proxy-Authorization cookie set-cookie macaroon adminMacaroon nsec nsecKey apiKey api_key ' +
    'X-API-Key privateKey private_key dsn databaseDsn mnemonic seed jwt boardingPass boarding_pass credentials xprv preimage ' +
    'AccountKey SharedAccessKey RAILS_MASTER_KEY Ocp-Apim-Subscription-Key NEW_RELIC_LICENSE_KEY authKey passcode PASSCODES session_id ' +
    'JSESSIONID PHPSESSID auth _auth HTTP_AUTH basicAuth csrf _csrf xsrf pw DB_PW dbPw'
  for (const key of secret.split(' ')) test(key, () => expect(redactor.key(key).secret).toBe(true))

  const open =
    'tokenCount message route user status keys author exceed id mapping oauth authMethod authorId unauth session sessions sessionIdle ' +
    'accountName primaryKey publicKey csrfEnabled pwm npw upwards passed value name'
  for (const key of open.split(' ')) {
    test(`${key} is not`, () => expect(redactor.key(key).secret).toBe(false))
  }
})

test('a number under a key that counts is no secret, unless a word of the configuration says so', () => {
  for (const key of ['tokens', 'maxTokens', 'max_tokens', 'total-tokens', 'prompt_tokens'])
    expect(redactor.key(key)).toMatchObject({ secret: true, counts: true })
  for (const key of ['token', 'secretTokens', 'pin', 'user']) expect(redactor.key(key)).toMatchObject({ counts: false })
  expect(createRedactor({ extraKeys: ['maxTokens'] }).key('max_tokens').counts).toBe(false)
})

describe('a string is secret by its shape', () => {
  const table: [string, string, string][] = [
    ['a JWT', `sent ${jwt} to b`, 'sent [redacted] to b'],
    ['a Nostr key', `key ${nsec}.`, 'key [redacted].'],
    ['a Nostr key in capitals', nsec.toUpperCase(), '[redacted]'],
    ['an extended private key', `${xprv} x`, '[redacted] x'],
    ['a testnet extended private key', `t${xprv.slice(1)}`, '[redacted]'],
    ['a macaroon in hex', `Grpc-Metadata ${macaroonHex}`, 'Grpc-Metadata [redacted]'],
    ['a macaroon in hex capitals', macaroonHex.toUpperCase(), '[redacted]'],
    ['a macaroon in base64', `m ${macaroonBase64}`, 'm [redacted]'],
    ['a macaroon of tapd in hex', `m ${macaroonOf('tapd', 'hex')}`, 'm [redacted]'],
    ['a macaroon of litd in base64', `m ${macaroonOf('litd', 'base64')}`, 'm [redacted]'],
    ['a macaroon of another service', `m ${macaroonOf('https://pay.example', 'base64')}`, 'm [redacted]'],
    ['a macaroon of version 1', `m ${oldMacaroon}`, 'm [redacted]'],
    ['the word macaroon and what follows', 'macaroon 00112233445566', 'macaroon [redacted]'],
    ['a JWT behind an underscore', `session_${jwt}`, 'session_[redacted]'],
    ['an encrypted Nostr key', `ncryptsec1${'qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7d'}`, '[redacted]'],
    ['a bearer token', 'Bearer abc.def-123', 'Bearer [redacted]'],
    ['a bearer token in lower case', 'got bearer abcdef123 here', 'got bearer [redacted] here'],
    ['a basic credential', 'Basic dXNlcjpwYXNz', 'Basic [redacted]'],
    ['a header', 'authorization: Digest user="x"', 'authorization: [redacted]'],
    ['a password in a URL', 'postgres://ann:s3cret@db:5432/x', 'postgres://ann:[redacted]@db:5432/x'],
    ['a password without a user', 'redis://:s3cret@db:6379', 'redis://:[redacted]@db:6379'],
    ['a password with @', 'postgres://ann:p@ss@db/x', 'postgres://ann:[redacted]@db/x'],
    ['a password with /', 'postgres://ann:p/ss@db/x', 'postgres://ann:[redacted]@db/x'],
    ['a query string', '/x?access_token=abc&b=1', '/x?access_token=[redacted]&b=1'],
    ['a connection string', "host=db password='a b' user=ann", "host=db password='[redacted]' user=ann"],
    ['JSON in a string', '{"apiKey": "abc", "b": 1}', '{"apiKey": "[redacted]", "b": 1}'],
    ['JSON in JSON', '{\\"password\\":\\"abc\\"}', '{\\"password\\":\\"[redacted]\\"}'],
    ['an extra key', 'boarding-pass=abc', 'boarding-pass=[redacted]'],
    ['a PEM key', 'a -----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY----- b', 'a [redacted] b'],
    ['a PEM key cut short', '-----BEGIN PRIVATE KEY-----\nabc', '[redacted]'],
    ['a line separator', 'a\u2028b\u0085c', 'a\\u2028b\\u0085c'],
  ]
  for (const [name, text, wanted] of table) test(name, () => expect(redactor.text(text)).toBe(wanted))

  const clean = [
    'https://host:8080/@user',
    'GET /api/v1/users/:id',
    'basic authentication failed',
    'Basic Authentication failed',
    'WWW-Authenticate: Bearer realm="api"',
    'cannot read /run/secrets/api_token: EACCES, run as another user',
    'cannot read /run/secrets/api_token: ENOENT: no such file',
    'listening on http://127.0.0.1:8080',
    'token expired',
    '2026-01-01T00:00:00.000Z',
  ]
  for (const text of clean) test(`${text} stays`, () => expect(redactor.text(text)).toBe(text))
})

test('with a key the same secret has the same digest, and another key another', () => {
  const first = createRedactor({ hmacKey: 'one key of ours' })
  const mask = first.text(`Bearer ${'a'.repeat(20)}`)
  expect(mask).toMatch(/^Bearer \[hmac:[0-9a-f]{16}\]$/)
  expect(first.mask('a'.repeat(20))).toBe(mask.slice('Bearer '.length))
  expect(first.mask('b'.repeat(20))).not.toBe(first.mask('a'.repeat(20)))
  expect(createRedactor({ hmacKey: 'another key' }).mask('a'.repeat(20))).not.toBe(first.mask('a'.repeat(20)))
})
