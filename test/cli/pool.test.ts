import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { sharedUrl } from '../support/services.ts'
import { type CommandFolder, commandFolder, commandTimeoutMs, printed } from './arkwatch-command.ts'

setDefaultTimeout(commandTimeoutMs)

const url = sharedUrl('postgres')
const key = 'Kx7-correct-horse-battery-staple-9'
let here: CommandFolder
let there: CommandFolder

beforeAll(async () => {
  if (url === undefined) return
  here = commandFolder({ ADMIN_API_KEY: key, DATABASE_URL: url, ENVIRONMENT: 'testing', DB_POOL_SIZE: '3' })
  await here.write(
    'config.yaml',
    'server: { port: 0 }\ndata: ./data\nplugins: { logging: , store: , audit: , admin: , health: , pool: }\n',
  )
  const output = await here.start('start', '--no-watch').seen(/listens on http:\S+/)
  const address = /listens on (http:\/\/[\d.:]+)/.exec(output)![1]!
  there = commandFolder({ ARKWATCH_URL: address, ARKWATCH_KEY: key })
})
afterAll(async () => {
  await here?.[Symbol.asyncDispose]()
  await there?.[Symbol.asyncDispose]()
})

for (const where of ['on this machine', 'elsewhere'] as const)
  test.skipIf(url === undefined)(`the pools of an instance ${where} are shown and operated`, async () => {
    const run = (...args: string[]) => (where === 'elsewhere' ? there : here).run('pool', ...args)
    const line = (stdout: string) => stdout.split('\n')[1]
    expect(line((await run()).stdout)).toMatch(/^default +ok +\d +0 +\d +0 +11 /)
    expect(line((await run('pause')).stdout)).toMatch(/^default +paused/)
    expect(line((await run('resume')).stdout)).toMatch(/^default +ok/)
    const evicted = await run('evict', '--pool', 'default', '--pid', '1')
    expect(line(evicted.stdout)).toMatch(/^default +ok/)
    expect([evicted.exitCode, evicted.stderr]).toEqual([1, 'connections evicted: 0\n'])
    expect((await run('evict', '--pid', 'one')).stderr).toContain('--pid takes a process id, got "one"')
    expect((await run('evict')).exitCode).toBe(0)
    // The statement of the health check.
    const [, fingerprint] = await printed(() => run('statements'), /^default +([0-9a-f]{16}) .* ms +SELECT \?$/m)
    const explained = await run('explain', fingerprint!)
    expect(explained.stdout, explained.stderr).toContain('"Node Type": "Result"')
    expect(JSON.parse((await run('holders', '--json')).stdout)).toEqual({ pools: { default: [] } })
    for (const what of ['slow', 'routes']) expect((await run(what)).stdout).toStartWith('POOL')
    expect((await run('explain')).exitCode).toBe(64)
    expect((await run('explain', '0000000000000000')).stderr).toContain('POOL_STATEMENT_UNKNOWN')
    expect((await run('bogus')).stderr).toContain('there are status, holders')
    expect((await run('evict', '--pool', 'other')).stderr).toContain('POOL_UNKNOWN')
    if (where === 'elsewhere') expect(line((await run('drain')).stdout)).toMatch(/^default +drained/)
  })
