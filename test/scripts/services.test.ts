import { describe, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RedisClient, SQL } from 'bun'
import { findProgram, writeDockerWrappers } from '../../scripts/services/binaries.ts'
import { isAlive } from '../../scripts/services/process.ts'
import { type Instance, privateMariadb, privatePostgres, privateRedis, sharedUrl } from '../support/services.ts'

const withoutServices = sharedUrl('postgres') === undefined

const selectOne = async (url: string) => {
  const sql = new SQL(url, { max: 1 })
  try {
    return (await sql`select 1 as one`)[0].one as number
  } finally {
    await sql.close()
  }
}

const ping = async (url: string) => {
  const redis = new RedisClient(url, { autoReconnect: false })
  try {
    return (await redis.send('PING', [])) as string
  } finally {
    redis.close()
  }
}

const cases: [string, () => Promise<Instance>, (url: string) => Promise<unknown>, unknown][] = [
  ['postgres', privatePostgres, selectOne, 1],
  ['mariadb', privateMariadb, selectOne, 1],
  ['redis', privateRedis, ping, 'PONG'],
]

describe.skipIf(withoutServices)('private services', () => {
  test.each(cases)(
    '%s answers, dies by kill -9, and answers again on the same port after a restart',
    async (_, start, query, answer) => {
      const instance = await start()
      try {
        expect(await query(instance.url)).toEqual(answer)
        const firstPid = instance.pid
        await instance.kill9()
        expect(isAlive(firstPid)).toBe(false)
        await expect(query(instance.url)).rejects.toThrow()
        await instance.restart()
        expect(instance.pid).not.toBe(firstPid)
        expect(await query(instance.url)).toEqual(answer)
      } finally {
        await instance.stop()
      }
      expect(isAlive(instance.pid)).toBe(false)
    },
    60_000,
  )

  test('a server dies with the process that started it, however that ends', async () => {
    const code = `const { privateRedis } = await import('${join(import.meta.dir, '../support/services.ts')}')
      console.log((await privateRedis()).pid); await Bun.sleep(60_000)`
    const owner = Bun.spawn([process.execPath, '-e', code], { stdout: 'pipe', stderr: 'inherit' })
    const { value } = await owner.stdout.getReader().read()
    const pid = Number(new TextDecoder().decode(value))
    expect(isAlive(pid)).toBe(true)
    owner.kill('SIGKILL')
    await owner.exited
    // A real timer: the system delivers the signal to another process, which no clock of ours moves.
    for (let tries = 0; tries < 1_000 && isAlive(pid); tries += 1) await Bun.sleep(10)
    expect(isAlive(pid)).toBe(false)
  }, 20_000)
})

test('a process that ended counts as gone before anybody collected its exit code', async () => {
  const keeper = Bun.spawn(['sh', '-c', 'sleep 0.01 & echo $!; exec sleep 30'], { stdout: 'pipe' })
  try {
    const { value } = await keeper.stdout.getReader().read()
    const pid = Number(new TextDecoder().decode(value))
    // A real timer: it is the system that ends the process.
    for (let tries = 0; tries < 500 && isAlive(pid); tries += 1) await Bun.sleep(10)
    expect(isAlive(pid)).toBe(false)
    expect(isAlive(keeper.pid)).toBe(true)
  } finally {
    keeper.kill()
    await keeper.exited
  }
})

test('a container wrapper passes the program, its arguments and the user to docker run', async () => {
  const root = mkdtempSync(join(tmpdir(), 'arkwatch-docker-'))
  try {
    const scripts = writeDockerWrappers(root, 'redis')
    mkdirSync(join(root, 'fake'))
    const docker = join(root, 'fake', 'docker')
    writeFileSync(docker, '#!/bin/sh\nprintf "%s\\n" "$@"\n')
    chmodSync(docker, 0o755)
    const child = Bun.spawnSync([scripts['redis-server'] as string, '--port', '1'], {
      env: { PATH: `${join(root, 'fake')}:${process.env.PATH}`, ARKWATCH_CONTAINER_FILE: join(root, 'id') },
    })
    const args = child.stdout.toString().trim().split('\n')
    expect(args.slice(0, 2)).toEqual(['run', '--rm'])
    expect(args.slice(-5)).toEqual(['--entrypoint', 'redis-server', 'redis:7', '--port', '1'])
    expect(args[args.indexOf('--cidfile') + 1]).toBe(join(root, 'id'))
    expect(args[args.indexOf('--user') + 1]).toMatch(/^[1-9]\d*:\d+$/)
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('a program that is nowhere is not found', () => {
  expect(findProgram('no-such-program-anywhere')).toBeUndefined()
})
