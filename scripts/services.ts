#!/usr/bin/env bun
/**
 * Private PostgreSQL, MariaDB, Redis and Prometheus for tests and for trying things out.
 *
 *   bun scripts/services.ts start   starts them in the background, prints their addresses as env lines
 *   bun scripts/services.ts env     prints the addresses of those that run
 *   bun scripts/services.ts stop    stops them and removes their folder
 */

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive, stopProcess } from './services/process.ts'
import { startShared } from './services/shared.ts'

/** One set of servers per checkout and user. */
const checkout = createHash('sha256')
  .update(`${process.getuid?.()}:${import.meta.dir}`)
  .digest('hex')
  .slice(0, 12)
const stateFile = join(tmpdir(), `arkwatch-services-${checkout}.json`)

interface State {
  readonly root: string
  readonly env: Record<string, string>
}

const pidsOf = ({ env }: State) =>
  Object.entries(env).flatMap(([key, value]) => (key.endsWith('_PID') ? [[key, Number(value)] as const] : []))

function running(): State | undefined {
  if (!existsSync(stateFile)) return undefined
  const state = JSON.parse(readFileSync(stateFile, 'utf8')) as State
  return pidsOf(state).every(([, pid]) => isAlive(pid)) ? state : undefined
}

const print = ({ env }: State) => {
  for (const [key, value] of Object.entries(env)) console.log(`${key}=${value}`)
}

async function stop(): Promise<void> {
  if (!existsSync(stateFile)) return
  const state = JSON.parse(readFileSync(stateFile, 'utf8')) as State
  await Promise.all(pidsOf(state).map(([key, pid]) => stopProcess(pid, key.includes('POSTGRES') ? 'QUIT' : 'TERM')))
  rmSync(state.root, { recursive: true, force: true })
  rmSync(stateFile)
}

async function start(): Promise<void> {
  let state = running()
  if (state === undefined) {
    await stop()
    const { root, env } = await startShared({ detached: true, say: (line) => console.error(line) })
    state = { root, env }
    writeFileSync(stateFile, JSON.stringify(state), { mode: 0o600 })
  }
  print(state)
}

const commands: Record<string, () => Promise<void> | void> = {
  start,
  stop,
  env() {
    const state = running()
    if (state === undefined) throw new Error('no services run: bun scripts/services.ts start')
    print(state)
  },
}

const command = commands[process.argv[2] ?? '']
if (command === undefined) {
  console.error('usage: bun scripts/services.ts start|stop|env')
  process.exit(64)
}
try {
  await command()
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown)
  process.exit(1)
}
