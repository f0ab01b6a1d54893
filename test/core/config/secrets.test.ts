import { afterAll, expect, test } from 'bun:test'
import fc from 'fast-check'
import { redactText, show } from '../../../core/contract/redact/redactor.ts'
import { definePlugin, secret, z } from '../../../core/plugin.ts'
import { load, removeFolders } from './support.ts'

afterAll(removeFolders)

const canary = 'c4n4ry'
const env = { SECRET: canary, SECRET_NUMBER: '777123' }

test('effective values show no secret, whatever it came from', async () => {
  const { config, problems } = await load(
    {
      'config.yaml': `plugins:
  watcher:
    token: \${env:SECRET}
    target: "https://me:${canary}@host/?token=${canary}&a=b"
    checks:
      a: { kind: sql, url: "${canary}" }
      b: { kind: http, headers: { authorization: "\${file:secret}" } }
  other: { enabled: false, webhook: ${canary} }
`,
      secret: canary,
    },
    { env },
  )
  expect(problems).toEqual([])
  expect(JSON.stringify((await config.describe()).effective)).not.toContain(canary)
  expect((await config.describe()).effective).toMatchObject({
    plugins: {
      watcher: {
        token: '[redacted]',
        target: 'https://[redacted]@host/?token=[redacted]&a=b',
        checks: { a: { url: '[redacted]' }, b: { headers: { authorization: '[redacted]' } } },
      },
      other: { webhook: '[redacted]' },
    },
  })
})

test('what stands under a secret name is shown nowhere, though its schema does not call it secret', async () => {
  const vault = definePlugin({
    api: 1,
    name: 'vault',
    version: '1.0.0',
    summary: 'Made for tests.',
    config: z.strictObject({
      dbPassword: z.string().default('').describe('Password.'),
      pin: z.number().optional().describe('Pin.'),
      apiKeys: z.array(z.string()).default([]).describe('Keys.'),
      credentials: z.record(z.string(), z.string()).default({}).describe('Credentials.'),
      map: z
        .record(z.string(), z.union([z.string(), z.number()]))
        .default({})
        .describe('Map.'),
      cookie: z.strictObject({ path: z.string(), seed: z.string() }).optional().describe('Cookie.'),
      variable: z.strictObject({ name: z.string(), value: z.number() }).optional().describe('Variable.'),
      maxTokens: z.number().default(5).describe('Count.'),
      hasSecret: z.boolean().default(true).describe('Switch.'),
    }),
    setup: () => ({}),
  })
  const text = (pin: string) => `plugins:
  vault:
    dbPassword: ${canary}
    pin: ${pin}
    apiKeys: [${canary}, "${canary}2"]
    credentials: { ann: ${canary} }
    map: { password: ${canary}, user: ann, tokens: 3 }
    cookie: { path: /x, seed: ${canary} }
    variable: { name: DB_PIN, value: ${pin} }
`
  const { config } = await load(text('777123'), { plugins: [vault] })
  const { effective } = await config!.describe()
  expect(effective).toMatchObject({
    plugins: {
      vault: {
        dbPassword: '[redacted]',
        pin: '[redacted]',
        apiKeys: ['[redacted]', '[redacted]'],
        credentials: { ann: '[redacted]' },
        map: { password: '[redacted]', user: 'ann', tokens: 3 },
        cookie: { path: '/x', seed: '[redacted]' },
        variable: { name: 'DB_PIN', value: '[redacted]' },
        maxTokens: 5,
        hasSecret: true,
      },
    },
  })
  const wrong = await load(text(canary), { plugins: [vault] })
  expect(wrong.raw.length).toBe(2)
  expect(`${wrong.printed}${JSON.stringify(wrong.raw)}`).not.toContain(canary)
})

test.each([
  ['a list for a secret', 'token: [c4n4ry]'],
  ['a number for a secret', 'token: ${env:SECRET_NUMBER}\n    on: c4'],
  ['text for a map of secrets', 'checks: { a: { kind: http, headers: c4n4ry } }'],
  ['text for a map with secrets deeper', 'checks: c4n4ry'],
  ['an unknown kind beside a secret', 'checks: { a: { kind: c, url: c4n4ry } }'],
  ['the value of an unknown key', 'tokn: c4n4ry'],
  ['a password in a URL at an open field', 'every: "postgres://me:c4n4ry@host/db"'],
  ['a password with a blank in a URL', 'every: "https://me:pa c4n4ry@host/db"'],
  ['a password in a URL with other slashes', 'every: "https:\\\\me:pa c4n4ry@host/db"'],
  ['a key as the user of a URL', 'every: "https://c4n4ry@host/1"'],
  ['a syntax error beside a secret', 'token: "c4n4ry" c4n4ry'],
  ['a broken line', 'token: c4n4ry\n   c4n4ry\n  : c4n4ry'],
  ['an unclosed quote', 'token: "c4n4ry'],
  ['a text that looks like a tag', 'token: !c4n4ry'],
  ['a text that looks like a verbatim tag', 'token: !<c4n4ry>'],
  ['a text that looks like an alias', 'token: *c4n4ry'],
  ['a text with a stray quote before it', "every: '15s\n    token: c4n4ry'"],
  ['wrong indentation', 'x: 1\n  token: c4n4ry'],
  ['a secret set twice', 'token: c4n4ry\n    token: c4n4ry2'],
])('problems show no secret: %s', async (_name, text) => {
  const loaded = await load(`plugins:\n  watcher:\n    ${text}\n`, { env })
  expect(loaded.raw.length).toBeGreaterThan(0)
  expect(`${loaded.printed}${JSON.stringify(loaded.raw)}`).not.toContain(canary)
  expect(loaded.printed).not.toContain('777123')
})

/** A schema with `secret()` somewhere in it, and a value that the schema takes, with the canary in that place. */
interface Hiding {
  readonly schema: z.ZodType
  readonly value: unknown
}
type Wrap = (inner: Hiding) => Hiding
const around =
  (make: (schema: z.ZodType) => z.ZodType, put: (value: unknown) => unknown = (value) => value): Wrap =>
  ({ schema, value }) => ({ schema: make(schema), value: put(value) })
const wraps: Readonly<Record<string, Wrap>> = {
  optional: around((s) => s.optional()),
  nullable: around((s) => s.nullable()),
  default: around((s) => s.default('x')),
  prefault: around((s) => s.prefault('x')),
  catch: around((s) => s.catch('x')),
  readonly: around((s) => s.readonly()),
  refine: around((s) => s.refine(() => true)),
  described: around((s) => s.describe('Described.')),
  transform: around((s) => s.transform((value) => [value])),
  preprocess: around((s) => z.preprocess((value) => value, s)),
  'pipe after any': around((s) => z.unknown().pipe(s)),
  'pipe before any': around((s) => s.pipe(z.unknown())),
  lazy: around((s) => z.lazy(() => s)),
  'first of a union': around((s) => z.union([s, z.number()])),
  'last of a union': around((s) => z.union([z.literal('auto'), z.strictObject({ v: z.number() }), s])),
  'or its list': around((s) => s.or(z.array(s))),
  'list or it': around(
    (s) => s.or(z.array(s)),
    (value) => [value],
  ),
  'and any': around((s) => s.and(z.unknown())),
  'any and': around((s) => z.unknown().and(s)),
  list: around(
    (s) => z.array(s),
    (value) => [value],
  ),
  tuple: around(
    (s) => z.tuple([z.number(), s]),
    (value) => [1, value],
  ),
  rest: around(
    (s) => z.tuple([z.number()]).rest(s),
    (value) => [1, value],
  ),
  map: around(
    (s) => z.record(z.string(), s),
    (value) => ({ a: value }),
  ),
  field: around(
    (s) => z.strictObject({ thing: s }),
    (value) => ({ thing: value }),
  ),
  'other field': around(
    (s) => z.object({}).catchall(s),
    (value) => ({ thing: value }),
  ),
  'chosen field': around(
    (s) =>
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('a'), thing: s }),
        z.strictObject({ kind: z.literal('b'), thing: z.string() }),
      ]),
    (value) => ({ kind: 'a', thing: value }),
  ),
}
const hiding = fc.array(fc.constantFrom(...Object.keys(wraps)), { maxLength: 5 })

test('a value of secret() is shown nowhere, in whatever schema it stands', async () => {
  const look = async (names: readonly string[]) => {
    const { schema, value } = names.reduce<Hiding>((inner, name) => wraps[name]!(inner), {
      schema: secret(),
      value: canary,
    })
    const place = definePlugin({
      ...{ api: 1, name: 'place', version: '1.0.0', summary: 'Made for tests.', setup: () => ({}) },
      config: z.strictObject({ thing: schema.describe('Thing.') }),
    })
    const { config, raw, printed } = await load(
      { 'config.yaml': '' },
      { object: { plugins: { place: { thing: value } } }, plugins: [place] },
    )
    const shown = config === undefined ? raw : (await config.describe()).effective
    expect([names, `${printed}${JSON.stringify(shown)}`]).toEqual([names, expect.not.stringContaining(canary)])
  }
  for (const name of Object.keys(wraps)) await look([name])
  await fc.assert(fc.asyncProperty(hiding, look), { numRuns: process.env.ARKWATCH_PROOF === '1' ? 2_000 : 100 })
})

const parts = { thing: secret().describe('Thing.'), open: z.string().default('').describe('Open.') }
const quoting: Readonly<Record<string, object>> = {
  'a transform that throws': {
    config: z.strictObject({ ...parts, thing: secret().transform((text) => JSON.parse(text)) }),
  },
  'a refinement that throws': {
    config: z.strictObject(parts).refine(({ thing }) => {
      throw new Error(`bad ${thing}`)
    }),
  },
  'a refinement of a list': {
    config: z.strictObject({
      ...parts,
      thing: z.array(secret()).refine(() => false, { error: ({ input }) => `duplicates in ${input}` }),
    }),
  },
  'a refinement of the whole, at another place': {
    config: z.strictObject(parts).refine(() => false, {
      path: ['open'],
      error: ({ input }) => `${(input as { thing: string }).thing} does not fit`,
    }),
  },
  'a refinement that rejects': {
    config: z.strictObject(parts).refine(async ({ thing }) => {
      throw thing
    }),
  },
  unconfigured: { config: z.strictObject(parts), unconfigured: ({ thing }: { thing: string }) => `${thing} is no use` },
  'unconfigured that throws': {
    config: z.strictObject(parts),
    unconfigured({ thing }: { thing: string }) {
      throw new Error(thing)
    },
  },
  conflicts: {
    config: z.strictObject(parts),
    conflicts: ({ thing }: { thing: string }) => [{ path: ['thing'], what: `not ${thing}`, help: `see ${thing}` }],
  },
  'listens that throws': {
    config: z.strictObject(parts),
    listens({ thing }: { thing: string }) {
      throw new Error(thing)
    },
  },
  'conflicts with a text of a file': {
    config: z.strictObject(parts),
    conflicts: ({ open }: { open: string }) => [{ path: ['open'], what: `not ${open}`, help: 'See.' }],
  },
}

test.each(Object.entries(quoting))('a secret that the code of a plugin quotes is not shown: %s', async (name, more) => {
  const place = {
    ...{ api: 1, name: 'place', version: '1.0.0', summary: 'Made for tests.', setup: () => ({}) },
    ...more,
  }
  const thing = JSON.stringify(name.includes('a list') ? [canary, `${canary}2`] : canary)
  const text = `plugins:\n  place: { thing: ${thing}, open: "\${file:secret}" }\n`
  const { config, raw, printed } = await load(
    { 'config.yaml': text, secret: `${canary}-of-a-file` },
    { plugins: [place as never] },
  )
  const shown = [...raw, printed, config?.plugins.map(({ disabled }) => disabled)]
  expect(JSON.stringify(shown)).not.toContain(canary)
  expect(JSON.stringify(shown)).toMatch(/\[redacted\]|may quote a secret/)
})

test('keys of a map cannot be secret', async () => {
  const key = z.union([z.literal('any'), secret()])
  for (const map of [z.record(secret(), z.string()), z.array(z.partialRecord(key, z.string())).optional()]) {
    const config = z.strictObject({ map: map.describe('Map.') })
    const place = definePlugin({
      api: 1,
      name: 'place',
      version: '1.0.0',
      summary: 'A test.',
      config,
      setup: () => ({}),
    })
    const { problems } = await load({ 'config.yaml': '' }, { plugins: [place] })
    expect(problems).toEqual([expect.stringContaining('a map with keys of secret(), and keys are shown')])
  }
})

test('what came from a file of its own is shown nowhere, at fields that are no secrets either', async () => {
  const wrong = await load({
    'config.yaml': `plugins: { watcher: { every: "\${file:secret}", checks: { a: { kind: "\${file:secret}" } } } }\n`,
    secret: canary,
  })
  expect(wrong.printed).toContain('[redacted]')
  expect(`${wrong.printed}${JSON.stringify(wrong.raw)}`).not.toContain(canary)
  const { config } = await load({
    'config.yaml': `plugins: { watcher: { target: "http://h/\${file:secret}" } }\n`,
    secret: canary,
  })
  expect((await config!.describe()).effective).toMatchObject({ plugins: { watcher: { target: '[redacted]' } } })
  expect(config!.plugins[0]!.config).toMatchObject({ target: `http://h/${canary}` })
})

test.each([
  ['postgres://u:p@h/d', 'postgres://[redacted]@h/d'],
  ['postgres://u:p@ss/w@h/d', 'postgres://[redacted]@h/d'],
  ['mysql+pymysql://u:p@h', 'mysql+pymysql://[redacted]@h'],
  ['redis://:p@h:6379/0', 'redis://[redacted]@h:6379/0'],
  ['https://h/?api_key=x&b=c', 'https://h/?api_key=[redacted]&b=c'],
  ['http://localhost:8080/a', 'http://localhost:8080/a'],
  ['no url at all: a@b', 'no url at all: a@b'],
])('%s is shown as %s', (text, shown) => {
  expect(redactText(text)).toBe(shown)
})

test.each([
  [null, 'null (empty)'],
  [5, '5 (number)'],
  [true, 'true (boolean)'],
  ['a\nb', '"a\\nb"'],
  [[1, 2], 'a list of 2'],
  [{}, 'a map'],
  ['x'.repeat(100), `"${'x'.repeat(79)}…"`],
])('%p is shown as %s', (value, shown) => {
  expect(show(value)).toBe(shown)
})
