import { expect, test } from 'bun:test'
import { connect, createServer } from 'node:net'
import fc from 'fast-check'
import { readArray, writeArray } from '../../../../plugins/pool/drivers/array-types.ts'
import { postgresDriver } from '../../../../plugins/pool/drivers/postgres.ts'
import { sharedUrl } from '../../../support/services.ts'

test.each<[string, unknown[]]>([
  ['{}', []],
  ['{1,NULL,3}', ['1', null, '3']],
  ['{"NULL","a,b","c\\"d\\\\","{}",""}', ['NULL', 'a,b', 'c"d\\', '{}', '']],
  [
    '{{1,2},{3,4}}',
    [
      ['1', '2'],
      ['3', '4'],
    ],
  ],
  ['[0:1]={a,b}', ['a', 'b']],
])('reads %s', (text, values) => {
  expect(readArray(text, String)).toEqual(values)
})

test('what is written reads as it was', () => {
  const item = fc.option(fc.string({ unit: 'binary' }), { nil: null })
  fc.assert(
    fc.property(fc.array(fc.oneof(item, fc.array(item))), fc.constantFrom(',', ';'), (values, delimiter) => {
      expect(readArray(writeArray(values, String, delimiter), String, delimiter)).toEqual(values)
    }),
  )
})

const url = sharedUrl('postgres')
const driverAt = (address: string) =>
  postgresDriver({ url: address, applicationName: 'array-text', connectTimeout: 2_000, statementTimeout: 0 })

test.skipIf(url === undefined)('arrays of every kind go to a server and come back', async () => {
  const connection = await (await driverAt(url!)).open(() => {}, new AbortController().signal)
  const [row] = await connection.text(
    `SELECT $1::text[] AS texts, $2::int[] AS numbers, $3::text[]::timestamptz[] AS times, ARRAY['(1,1),(0,0)'::box] AS boxes,
      3 = ANY($2) AS has, NULL::int[] AS none`,
    [['a', null, 'b"\\,{}'], [1, 2, 3], ['1970-01-01T00:00:00Z']],
  )
  connection.close()
  expect(row).toEqual({
    ...{ texts: ['a', null, 'b"\\,{}'], numbers: [1, 2, 3], times: [new Date(0)], boxes: ['(1,1),(0,0)'] },
    ...{ has: true, none: null },
  })
})

test.skipIf(url === undefined)(
  'a connection that is lost while it learns the types fails to open, and nothing else',
  async () => {
    const { hostname, port } = new URL(url!)
    const proxy = createServer((client) => {
      const server = connect(Number(port), hostname)
      server.on('data', (bytes) => client.write(bytes))
      client.on('data', (bytes) => {
        if (bytes.includes('pg_type')) client.destroy()
        else server.write(bytes)
      })
      for (const [one, other] of [
        [client, server],
        [server, client],
      ] as const) {
        one.on('close', () => other.destroy())
        one.on('error', () => {})
      }
    })
    const listening = Promise.withResolvers<void>()
    proxy.listen(0, '127.0.0.1', listening.resolve)
    await listening.promise
    const through = new URL(url!)
    through.port = String((proxy.address() as { port: number }).port)
    const unhandled: unknown[] = []
    const hear = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', hear)
    const driver = await driverAt(through.href)
    await expect(driver.open(() => {}, new AbortController().signal)).rejects.toThrow()
    // A rejection is unhandled only after a turn of the loop.
    await Bun.sleep(5)
    process.off('unhandledRejection', hear)
    proxy.close()
    expect(unhandled).toEqual([])
  },
)
