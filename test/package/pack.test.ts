import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }

const root = join(import.meta.dir, '../..')
const work = mkdtempSync(join(tmpdir(), 'arkwatch-pack-'))
const tarball = join(work, 'arkwatch.tgz')

/** Runs Bun to its end. @throws with its output when it fails */
async function bun(args: readonly string[], cwd: string): Promise<string> {
  const options = { cwd, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' } as const
  const child = Bun.spawn([process.execPath, ...args], options)
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error(`bun ${args.join(' ')} failed:\n${out}${err}`)
  return out
}

interface App {
  readonly dir: string
  readonly packages: number
  readonly megabytes: number
}

/** An empty Hono application with the packed package in it. */
async function install(name: string, hono: string, flags: readonly string[]): Promise<App> {
  const dir = join(work, name)
  mkdirSync(dir)
  const dependencies = { arkwatch: `file:${tarball}`, hono }
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name, private: true, type: 'module', dependencies }))
  copyFileSync(join(import.meta.dir, 'embedded-app.ts'), join(dir, 'app.ts'))
  await bun(['install', '--prefer-offline', '--no-save', ...flags], dir)
  const kilobytes = Bun.spawnSync(['du', '-sk', join(dir, 'node_modules')]).stdout.toString()
  const manifests = new Bun.Glob('node_modules/**/package.json').scanSync({ cwd: dir })
  const isPackage = /(^|\/)node_modules\/(@[^/]+\/)?[^/@]+\/package\.json$/
  const packages = [...manifests].filter((file) => isPackage.test(file)).length
  const app = { dir, packages, megabytes: Number.parseInt(kilobytes, 10) / 1024 }
  console.log(`${name}: ${packages} packages, ${app.megabytes.toFixed(1)} MB`)
  return app
}

/** Starts the application, hands its address to `use`, and ends it in order. */
async function running(app: App, use: (url: string) => Promise<void>): Promise<void> {
  const options = { cwd: app.dir, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' } as const
  const child = Bun.spawn([process.execPath, 'app.ts'], { ...options, env: { PATH: process.env.PATH, HOME: app.dir } })
  try {
    const { value } = await child.stdout.getReader().read()
    const port = Number(new TextDecoder().decode(value))
    expect(port).toBeGreaterThan(0)
    await use(`http://127.0.0.1:${port}`)
  } finally {
    child.kill('SIGTERM')
  }
  expect(await child.exited).toBe(0)
}

/** The report of the check, once it has run. */
async function databaseCheck(url: string): Promise<string> {
  for (;;) {
    const report = (await (await fetch(`${url}/_ops/health/comprehensive`)).json()) as {
      checks: Record<string, { error?: unknown }>
    }
    const text = JSON.stringify(report.checks.database ?? {})
    if (report.checks.database?.error) return text
    // A real timer: the check runs in another process.
    await Bun.sleep(50)
  }
}

beforeAll(async () => {
  await bun(['pm', 'pack', '--filename', tarball, '--quiet'], root)
}, 60_000)
afterAll(() => rmSync(work, { recursive: true, force: true }))

describe('the packed package', () => {
  test('holds what its manifest names, and no test', async () => {
    const list = Bun.spawnSync(['tar', '-tzf', tarball]).stdout.toString().split('\n')
    const files = new Set(list.map((file) => file.replace(/^package\//, '')))
    for (const path of [...Object.values(manifest.exports), manifest.bin.arkwatch, 'LICENSE', 'README.md']) {
      expect(files).toContain(path.replace(/^\.\//, ''))
    }
    expect([...files].filter((file) => /(^|\/)(test|scripts|examples)\/|\.test\.ts$/.test(file))).toEqual([])
  })

  test('embeds in a Hono application with all its packages', async () => {
    const app = await install('with-optional', manifest.devDependencies.hono, [])
    await running(app, async (url) => {
      expect(await (await fetch(`${url}/hello/you`)).text()).toBe('hello you')
      expect((await fetch(`${url}/_ops/readyz`)).status).toBe(200)
      const metrics = await (await fetch(`${url}/_ops/metrics`)).text()
      expect(metrics).toContain('http_route="/hello/:name"')
      const report = await databaseCheck(url)
      expect(report).not.toContain('bun add')
      expect(report).not.toContain('none@')
    })
  }, 120_000)

  test('embeds without the optional ones, and the check that needs one says what to add', async () => {
    const app = await install('without-optional', manifest.devDependencies.hono, ['--omit=optional'])
    for (const name of Object.keys(manifest.optionalDependencies)) {
      expect(existsSync(join(app.dir, 'node_modules', name))).toBe(false)
    }
    await running(app, async (url) => {
      expect((await fetch(`${url}/_ops/readyz`)).status).toBe(200)
      expect(await databaseCheck(url)).toContain('bun add postgres')
    })
  }, 120_000)

  test('a plugin whose driver was left out is failed and says what to add, and the rest runs', async () => {
    const dir = join(work, 'without-optional')
    writeFileSync(
      join(dir, 'config.yaml'),
      'plugins: { health: , redis: { url: "redis://127.0.0.1:1" }, pool: { url: "postgres://h/d" } }\n',
    )
    const command = [process.execPath, join(dir, 'node_modules/arkwatch/cli/arkwatch.ts')]
    const env = { PATH: process.env.PATH, HOME: dir }
    const child = Bun.spawn([...command, 'start'], { cwd: dir, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
    try {
      let seen = ''
      const decoder = new TextDecoder()
      for await (const chunk of child.stderr) {
        seen += decoder.decode(chunk, { stream: true })
        if (seen.includes('runs without a listener')) break
      }
      const { stdout } = Bun.spawnSync([...command, 'plugins', '--json'], { cwd: dir, env })
      const { plugins } = JSON.parse(stdout.toString()) as {
        plugins: { name: string; state: string; reason?: string }[]
      }
      const told = Object.fromEntries(plugins.map(({ name, state, reason = '' }) => [name, `${state} ${reason}`]))
      expect(told).toEqual({
        health: expect.stringMatching(/^ok/),
        redis: expect.stringMatching(/^failed .*`bun add ioredis`/),
        pool: expect.stringMatching(/^failed .*`bun add postgres`/),
      })
    } finally {
      child.kill('SIGTERM')
    }
    expect(await child.exited).toBe(0)
  }, 60_000)

  test('brings a command that runs where it is installed', async () => {
    const dir = join(work, 'with-optional')
    const command = join(dir, 'node_modules', '.bin', 'arkwatch')
    expect(readdirSync(join(dir, 'node_modules', '.bin'))).toContain('arkwatch')
    const child = Bun.spawnSync([command, 'version'], {
      cwd: dir,
      env: { PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
    })
    expect(child.stdout.toString()).toContain(manifest.version)
    expect(child.exitCode).toBe(0)
  })
})
