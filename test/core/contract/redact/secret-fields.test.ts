import { describe, expect, test } from 'bun:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { createRedactor, redactText } from '../../../../core/contract/redact/redactor.ts'
import { scrub as record } from '../../../../plugins/audit/journal/changes.ts'
import { scrubber } from '../../../../plugins/health/checks/scrub.ts'

const redactor = createRedactor()
const scrub = scrubber([])
const numRuns = process.env.ARKWATCH_PROOF ? 20_000 : 500

/** Secrets that hold what ends a value elsewhere; every word of theirs is `canary`. */
const secretOf = (marks: string) =>
  fc
    .array(fc.constantFrom('canary', 'canary', ...marks), { minLength: 1, maxLength: 12 })
    .map((parts) => `canary${parts.join('')}`)
const anySecret = secretOf('\'"`\\\n\r\t ,;&{}()[]<>:=/#?@.%é\u2028')

const json = (value: unknown) => JSON.stringify(value)
/** How a program writes a record with a secret into one string. */
const writers: Record<string, { secret?: fc.Arbitrary<string>; write(secret: string): string }> = {
  JSON: { write: (password) => json({ user: 'ann', password, b: 2 }) },
  'indented JSON': { write: (password) => JSON.stringify({ user: 'ann', password, b: 2 }, undefined, 8) },
  'JSON in JSON': { write: (token) => json({ body: json({ token, b: 2 }) }) },
  'JSON in JSON in JSON': { write: (apiKey) => `got ${json({ x: json({ y: json({ apiKey, b: 2 }) }) })} back` },
  'a list in JSON': { write: (each) => json({ passwords: [each, { a: each }], b: 2 }) },
  'an object in JSON': { write: (value) => json({ credential: { value, more: [value] }, b: 2 }) },
  'console.log': { secret: secretOf('\'"`\\ ,;&{}()[]:=/#?@'), write: (secret) => inspect({ a: 1, secret, b: 2 }) },
  'a connection string in quotes': {
    write: (secret) => `host=db password='${secret.replace(/['\\]/g, '\\$&')}' user=ann`,
  },
  'a connection string with blanks': {
    secret: secretOf("\\:=/#?@'"),
    write: (secret) => `host=db  password  =  ${secret} user=ann`,
  },
  'doubled quotes': {
    secret: secretOf('\'" ,;&:=/#?@'),
    write: (pwd) => `Pwd='${pwd.replaceAll("'", "''")}';User=ann`,
  },
  'braces of ODBC': {
    secret: secretOf('"`{}\\ ,;&()[]<>:=/#?@%é'),
    write: (pwd) => `Driver={ODBC 17};PWD={${pwd.replaceAll('}', '}}')}};uid=sa`,
  },
  'an apostrophe that nobody escaped': {
    secret: secretOf('"\\:=/#?@').map((text) => `${text}'s-canary`),
    write: (secret) => `{'password':'${secret}','b':2}`,
  },
  'a query': { secret: secretOf('\'":=/?@'), write: (secret) => `/x?user=ann&access_token=${secret}&b=1` },
  'a signed URL': {
    secret: secretOf('\'":=/?@'),
    write: (secret) => `GET https://h/x?se=1&sig=${secret}&X-Amz-Signature=${secret}&b=1`,
  },
  'an escaped form': {
    secret: secretOf('\'":=/?@'),
    write: (secret) => `access_token%5B%5D=${secret}&user%5Btoken%5D=${secret}&b=1`,
  },
  'a form': { secret: secretOf('\'":=/?@'), write: (secret) => `user[password]=${secret}&b=1` },
  'a header': { secret: secretOf('\'":=/?@'), write: (secret) => `Host: h\r\nX-Admin-Key: ${secret}\r\nAccept: *` },
  'an assignment with quotes': { secret: secretOf('\'":=/?@'), write: (secret) => `jwt=${secret},pin=${secret}` },
  'an assignment': { secret: secretOf('/?@&,;'), write: (secret) => `SMTP_PASS=${secret} otp=${secret}` },
  'a cookie': { secret: secretOf("':=/?@&;"), write: (secret) => `Cookie: a="b"; sid=${secret}; sid="${secret}"\nx` },
  'a pair in JSON': { write: (value) => json([{ name: 'DB_PASSWORD', value, b: 2 }]) },
  'a pair in JSON in JSON': { write: (value) => json({ body: json({ key: 'my_token', kind: 1, value }) }) },
  'indented YAML': {
    secret: secretOf('"\':/?@&;').map((text) => text.replace(/["':;&]+/g, '.')),
    write: (secret) =>
      `env:\n- name: API_KEY\n  value: ${secret}\npassword:\n  ${secret}\ntoken: |\n  ${secret}\n  ${secret}\nb: 1`,
  },
  'a digest': { secret: secretOf(':/?@&; ,'), write: (secret) => `authorization: Digest a="b", response="${secret}"` },
  'Ruby and Go': { write: (secret) => `:password=>${json(secret)}, token := ${json(secret)}` },
  'a URL with commas': { secret: secretOf('\'"`,;)}]&=:?#'), write: (secret) => `(mysql://app:${secret}@db/app)` },
  'a URL': { secret: secretOf('\'"`&=:/?#@'), write: (secret) => `no postgres://app:${secret}@db/app today` },
  'a URL in JSON': {
    secret: secretOf('\'"\\;&=:/?#'),
    write: (secret) => json({ url: `redis://app:${secret}@db:6379/0`, mail: 'ann@example.com' }),
  },
  'a URL with escaped slashes': {
    secret: secretOf("'&=:?#"),
    write: (secret) => json({ url: `redis://app:${secret}@db:6379/0` }).replaceAll('/', '\\/'),
  },
}

describe('no part of a secret is shown, whatever it holds, in', () => {
  for (const [name, { secret = anySecret, write }] of Object.entries(writers)) {
    test(name, () => {
      fc.assert(
        fc.property(secret, (text) => {
          const written = write(text)
          expect(scrub(written)).not.toContain('canary')
          expect(record(written, () => '[redacted]')).not.toContain('canary')
          for (const redact of [redactor.text, redactText]) {
            const shown = redact(written)
            expect(shown).not.toContain('canary')
            expect(redact(shown)).toBe(shown)
          }
        }),
        { numRuns },
      )
    })
  }
})

test('JSON stays JSON, and loses its secrets alone', () => {
  fc.assert(
    fc.property(anySecret, (password) => {
      const body = json({ password, note: 'free for all', nested: { apiKey: password, size: 3 } })
      const shown = { password: '[redacted]', note: 'free for all', nested: { apiKey: '[redacted]', size: 3 } }
      expect(JSON.parse(redactor.text(body))).toEqual(shown)
      expect(JSON.parse(JSON.parse(redactor.text(json({ body }))).body)).toEqual(shown)
    }),
    { numRuns },
  )
})

test.each([
  ['{"password":null,"token":true,"secret":"","b":1}', '{"password":null,"token":true,"secret":"","b":1}'],
  ['{"pin":123456,"b":1}', '{"pin":[redacted],"b":1}'],
  ['Driver={ODBC 17};PWD={a;}}b};uid=sa', 'Driver={ODBC 17};PWD=[redacted];uid=sa'],
  ['{a={b=1}, secret={"c":{"d":1}}, e=1}', '{a={b=1}, secret=[redacted], e=1}'],
  ['https://h/x?sv=1&sig=abc&b=1', 'https://h/x?sv=1&sig=[redacted]&b=1'],
  ['signature=abc', 'signature=abc'],
  ['{"max_tokens":4096,"tokens":["a"],"b":1}', '{"max_tokens":4096,"tokens":[redacted],"b":1}'],
  ['total_tokens=3, maxTokens: 4, tokens=a1', 'total_tokens=3, maxTokens: 4, tokens=[redacted]'],
  ['{"tokens":"123456","token":123456}', '{"tokens":"[redacted]","token":[redacted]}'],
  ['(password=abc), x', '(password=[redacted]), x'],
  ['"Server=db;Pwd=abc;User=ann"', '"Server=db;Pwd=[redacted];User=ann"'],
  ['{"q":"password=abc","b":1}', '{"q":"password=[redacted]","b":1}'],
  ['{"msg":"Authorization: Bearer abcdef","b":1}', '{"msg":"Authorization: [redacted]","b":1}'],
  ["curl -H 'Cookie: a=b' http://h", "curl -H 'Cookie: [redacted]' http://h"],
  ['password: hunter2, user: ann', 'password: [redacted], user: ann'],
  ['redis://u:1234/pw@h', 'redis://u:[redacted]@h'],
  ['{"url":"http://h:8080/x","mail":"a@b.c"}', '{"url":"http://h:8080/x","mail":"a@b.c"}'],
  ['{"url":"redis://cache:6379","mail":"a@b.c"}', '{"url":"redis://cache:6379","mail":"a@b.c"}'],
  ['at check (/app/src/password.ts:10:5)', 'at check (/app/src/password.ts:10:5)'],
  ['cannot use /srv/data/admin.key: others may read it', 'cannot use /srv/data/admin.key: others may read it'],
  ['admin.key: abc', 'admin.key: [redacted]'],
  ['InvalidTokenError: expired', 'InvalidTokenError: expired'],
  ['select token::text from t', 'select token::text from t'],
  ['tokens: see the manual', 'tokens: see the manual'],
  ['apiKey: expected a string', 'apiKey: expected a string'],
  ['AccountName=a;AccountKey=b+/c==;EndpointSuffix=d', 'AccountName=a;AccountKey=[redacted];EndpointSuffix=d'],
  ['Endpoint=sb://h/;SharedAccessKey=b=;EntityPath=d', 'Endpoint=sb://h/;SharedAccessKey=[redacted];EntityPath=d'],
  ['pw=x1, auth=b, csrf: c1; SessionID=d', 'pw=[redacted], auth=[redacted], csrf: [redacted]; SessionID=[redacted]'],
  ['{"auth":"abc","b":1}', '{"auth":"[redacted]","b":1}'],
  ['auth: session of ann expired', 'auth: session of ann expired'],
  ['csrf: wrong token, auth=true', 'csrf: wrong token, auth=true'],
  [
    '[{"name":"DB_PASSWORD","value":"x1"},{"name":"b","value":"c"}]',
    '[{"name":"DB_PASSWORD","value":"[redacted]"},{"name":"b","value":"c"}]',
  ],
  [
    '{"value":"a","key":"b"}, {"Key":"my_token","Value":"c"}',
    '{"value":"a","key":"b"}, {"Key":"my_token","Value":"[redacted]"}',
  ],
  ['{\\"name\\":\\"Cookie\\",\\"value\\":\\"a=b\\"}', '{\\"name\\":\\"Cookie\\",\\"value\\":\\"[redacted]\\"}'],
  ["[ { name: 'X-Api-Key', value: 'x1', b: 'c' } ]", "[ { name: 'X-Api-Key', value: '[redacted]', b: 'c' } ]"],
  [
    'env:\n- name: DB_PASSWORD\n  value: x1\n- name: LANG\n  value: C',
    'env:\n- name: DB_PASSWORD\n  value: [redacted]\n- name: LANG\n  value: C',
  ],
  ['<input name="password" value="x1">', '<input name="password" value="[redacted]">'],
  ['{"name":"password","type":"text"},{"id":1,"value":"a"}', '{"name":"password","type":"text"},{"id":1,"value":"a"}'],
  ['{"name":"max_tokens","value":4096}', '{"name":"max_tokens","value":4096}'],
  ['password:\n  hunter2\nuser: ann', 'password:\n  [redacted]\nuser: ann'],
  ['password: \r\nhunter2\r\nuser: ann', 'password: \r\n[redacted]\r\nuser: ann'],
  ["'token':\n  'a b'\nc: d", "'token':\n  '[redacted]'\nc: d"],
  ['db:\n  password: |\n    a\n\n    b c\n  user: ann', 'db:\n  password: |\n    [redacted]\n  user: ann'],
  ['password: >-\n  a\n  b', 'password: >-\n  [redacted]'],
  ['password:\nuser: ann', 'password:\nuser: ann'],
  ['password:\n  min: 8\n  max=64', 'password:\n  min: 8\n  max=64'],
  ['Password:\nLogin incorrect', 'Password:\nLogin incorrect'],
  ['invalid token:\n    at parse (/app/x.ts:1:2)', 'invalid token:\n    at parse (/app/x.ts:1:2)'],
  ['AccountKey:\n  YWJj=\n', 'AccountKey:\n  [redacted]\n'],
])('%s is shown as %s', (text, shown) => {
  expect(redactor.text(text)).toBe(shown)
})
