/** What a start would refuse of listeners, as errors of the configuration. */
import { afterAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { bindHost, hostsMeet } from '../../../core/contract/bind-address.ts'
import { definePlugin, z } from '../../../core/plugin.ts'
import { catalog } from '../../../plugins/catalog.ts'
import { load, removeFolders } from './support.ts'

afterAll(removeFolders)
const folder = mkdtempSync(join(tmpdir(), 'arkwatch-pem-'))
const pem = async (name: string) => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }])
  writeFileSync(join(folder, `${name}.crt`), cert)
  writeFileSync(join(folder, `${name}.key`), key)
}
await Promise.all([pem('one'), pem('two')])
writeFileSync(join(folder, 'text'), 'no PEM')
const one = readFileSync(join(folder, 'one.crt'), 'utf8')
writeFileSync(join(folder, 'chain.crt'), `${one}\n${one.slice(0, 300)}`)
const problemsOf = async (object: object) => {
  const { raw } = await load({}, { object, catalog })
  return raw.map(({ pointer, message }) => `${pointer} ${message}`)
}
const all = { store: {}, audit: {}, health: {}, metrics: {} }

test('hosts meet where Bun cannot open the same port of both', async () => {
  const hosts = [
    '127.0.0.1',
    '127.0.0.2',
    '0.0.0.0',
    'localhost',
    'LOCALHOST',
    '::',
    '::1',
    '0:0::1',
    '::ffff:127.0.0.1',
  ]
  const open = (hostname: string, port: number) =>
    Bun.serve({ hostname, port, reusePort: false, development: false, fetch: () => new Response() })
  for (const one of hosts)
    for (const other of hosts) {
      const first = open(one, 0)
      let opens = true
      try {
        await open(other, first.port!).stop(true)
      } catch {
        opens = false
      }
      await first.stop(true)
      expect({ one, other, meet: hostsMeet(one, other) }).toEqual({ one, other, meet: !opens })
    }
})

test('a bind host is an address or a name', () => {
  const good = ['127.0.0.1', '0.0.0.0', '::', '::1', 'fe80::1%eth0', 'localhost', 'a.b-c.example', 'web_1', '3f2a9c']
  const bad = [
    '',
    ' ',
    '127.0.0.1 ',
    '0.0.0.0/24',
    '127.0.0.1:8080',
    'http://127.0.0.1',
    '999.1.1.1',
    '127.1',
    '0x7f.1',
  ]
  bad.push('[::1]', '*', 'a..b', '.a', '::1/128', ':', '0', 'a\nb', 'ä', 'x'.repeat(254))
  for (const host of good) expect([host, bindHost().safeParse(host).success]).toEqual([host, true])
  for (const host of bad) expect([host, bindHost().safeParse(host).success]).toEqual([host, false])
})

/** The sections that open a listener, at each place where the schema has a `host` to bind. */
async function places(): Promise<string[][]> {
  const found: string[][] = [['server']]
  const walk = (schema: Record<string, unknown>, path: string[]) => {
    const properties = (schema.properties ?? {}) as Record<string, Record<string, unknown>>
    if (properties.host?.pattern === bindHost().meta()!.pattern) found.push(path)
    for (const [key, each] of Object.entries(properties)) walk(each, [...path, key])
  }
  for (const [name, plugin] of Object.entries(catalog)) {
    const { default: definition } = (await plugin()) as { default: { config: z.ZodType } }
    walk(z.toJSONSchema(definition.config, { io: 'input', unrepresentable: 'any' }), ['plugins', name])
  }
  return found
}
/** Every plugin, with the listeners of these places. */
const listening = (addresses: readonly (readonly [path: string[], address: object])[]) => {
  interface Section {
    [key: string]: Section
  }
  const config = { plugins: structuredClone({ ...all, admin: { listen: { port: 0 } } }) } as object as Section
  for (const [path, address] of addresses) {
    let at = config
    for (const key of path.slice(0, -1)) at = at[key] ??= {}
    at[path.at(-1)!] = address as Section
  }
  return config
}

describe('every place that has a host to bind', async () => {
  const found = await places()
  test('is one of server, admin, metrics and the watchdog', () => {
    expect(found.map((path) => path.join('.')).sort()).toEqual(
      ['plugins.admin.listen', 'plugins.health.watchdog', 'plugins.metrics.listen', 'server'].sort(),
    )
  })

  const pairs = found.flatMap((one) => found.filter((other) => other !== one).map((other) => [one, other] as const))
  test.each(pairs)('%j and %j cannot have one address, and both are named', async (one, other) => {
    const problems = await problemsOf(
      listening([
        [one, { host: '127.0.0.1', port: 8_123 }],
        [other, { port: 8_123 }],
      ]),
    )
    expect(problems).toHaveLength(1)
    for (const path of [one, other]) expect(problems[0]).toContain(`/${path.join('/')}`)
    expect(
      await problemsOf(
        listening([
          [one, { port: 8_123 }],
          [other, { port: 8_124 }],
        ]),
      ),
    ).toEqual([])
    expect(
      await problemsOf(
        listening([
          [one, { port: 0 }],
          [other, { port: 0 }],
        ]),
      ),
    ).toEqual([])
  })

  test.each(found.map((path) => [path]))('%j refuses a host that no listener can bind', async (path) => {
    const [problem, ...rest] = await problemsOf(listening([[path, { host: '0.0.0.0/24', port: 1 }]]))
    expect([problem, rest]).toEqual([expect.stringContaining(`/${path.join('/')}/host expected an address`), []])
  })
})

test('the position is that of the later listener, a default port included', async () => {
  const text = 'server: { port: 9091 }\nplugins:\n  store: {}\n  audit: {}\n  admin:\n    listen: { host: 127.0.0.1 }\n'
  expect((await load(text, { catalog })).problems).toEqual([
    '6:5 /plugins/admin/listen/port CONFIG_VALUE port 9091 of 127.0.0.1 is also the address of /server | ' +
      'Give each of the two listeners an address of its own.',
  ])
})

const at = (name: string) => join(folder, name)
test.each<[string, object, string | undefined]>([
  ['a socket in the data directory', { unix: 'admin.sock' }, undefined],
  ['a socket where there is a file', { unix: at('text') }, 'exists and is not a socket'],
  ['a socket where there is a folder', { unix: folder }, 'exists and is not a socket'],
  ['a socket in no folder', { unix: 'sub/a.sock' }, 'does not exist'],
  ['the control socket', { unix: './arkwatch.sock' }, 'is the control socket'],
  ['a path that is too long', { unix: `/tmp/${'x'.repeat(100)}` }, 'expected a path of at most 100 bytes, got 105'],
  ['a certificate with its key', { tls: { cert: at('one.crt'), key: at('one.key') } }, undefined],
  [
    'a certificate that is missing',
    { tls: { cert: at('no.crt'), key: at('one.key') } },
    '/tls/cert cannot read the certificate',
  ],
  [
    'a key that is missing',
    { tls: { cert: at('one.crt'), key: at('no.key') } },
    '/tls/key cannot read the private key',
  ],
  ['a certificate that is text', { tls: { cert: at('text'), key: at('one.key') } }, 'holds no certificate in PEM'],
  [
    'a broken chain',
    { tls: { cert: at('chain.crt'), key: at('one.key') } },
    `the chain in ${at('chain.crt')} is broken`,
  ],
  ['a key that is text', { tls: { cert: at('one.crt'), key: at('text') } }, 'holds no private key in PEM'],
  ['a key that is a device', { tls: { cert: at('one.crt'), key: '/dev/zero' } }, 'is not a regular file'],
  ['the key of another certificate', { tls: { cert: at('one.crt'), key: at('two.key') } }, 'does not belong'],
])('%s', async (_what, listen, expected) => {
  const problems = await problemsOf({ plugins: { ...all, admin: { listen: { port: 0, ...listen } } } })
  expect(problems).toEqual(expected === undefined ? [] : [expect.stringContaining(expected)])
})

describe('the path of the exposition', () => {
  const paths = ['/readyz', '/readyz/x', '/health', '/admin', '/admin/plugins', '/monitoring/x', '/a/../b', '//a']
  test.each(paths)('%s is refused where another plugin or nothing answers it', async (path) => {
    const plugins = { ...all, admin: {}, metrics: { path } }
    expect(await problemsOf({ server: { port: 0 }, plugins })).toEqual([
      expect.stringMatching(/^\/plugins\/metrics\/path (expected|two plugins answer one path)/),
    ])
  })
  test.each(['/metrics', '/adminx', '/', '/a.b/', '/healthy'])('%s is taken', async (path) => {
    expect(await problemsOf({ server: { port: 0 }, plugins: { ...all, admin: {}, metrics: { path } } })).toEqual([])
  })
  test('any path is taken on a listener of its own', async () => {
    expect(await problemsOf({ plugins: { ...all, metrics: { path: '/readyz', listen: { port: 0 } } } })).toEqual([])
  })
})

test('a plugin of somebody else that declares something else is refused by name', async () => {
  const bad = definePlugin({
    ...{ api: 1, name: 'bad', version: '1.0.0', summary: 'For a test.', config: z.strictObject({}) },
    listens: () => [{ path: [], host: 1, port: 1 } as never],
    setup: () => ({}),
  })
  expect(await problemsOf({ plugins: {} })).toEqual([])
  const { raw } = await load({}, { object: {}, plugins: [bad] })
  expect(raw.map(({ message }) => message)).toEqual([expect.stringContaining('a listener: host must be a text, got 1')])
})
