/** What is wrong with the listeners of a whole configuration: addresses, socket paths, certificates. */
import { stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { hostsMeet } from '../contract/bind-address.ts'
import { type ConfigProblem, jsonPointer } from '../contract/config-problem.ts'
import type { DeclaredListener } from '../contract/definition.ts'
import { coreError } from '../contract/errors.ts'
import { readCertificate } from '../process/certificate.ts'
import { problem } from './errors.ts'
import { locate, type Node, type Path } from './tree/node.ts'
import type { RuntimeConfig } from './types.ts'

/** Bytes: 107 of Linux, less the number that a socket has in its name until it replaces the one before. */
const longestSocketPath = 100

/** @returns why two listeners cannot be open together */
function sharedAddress(one: DeclaredListener, other: DeclaredListener, dataDir: string): string | undefined {
  if (one.unix !== undefined && other.unix !== undefined)
    return resolve(dataDir, one.unix) === resolve(dataDir, other.unix) ? `the socket ${other.unix}` : undefined
  if (one.unix !== undefined || other.unix !== undefined || one.port === 0 || one.port !== other.port) return undefined
  return hostsMeet(one.host, other.host) ? `port ${other.port} of ${other.host}` : undefined
}

async function socketProblem(unix: string, dataDir: string): Promise<string | undefined> {
  const path = resolve(dataDir, unix)
  const length = Buffer.byteLength(path)
  if (length > longestSocketPath) return `expected a path of at most ${longestSocketPath} bytes, got ${length}: ${path}`
  if (path === resolve(dataDir, 'arkwatch.sock')) return `${path} is the control socket of Arkwatch`
  const folder = dirname(path)
  // The start makes the data directory.
  const above = await stat(folder).catch(() => undefined)
  if (!above?.isDirectory() && folder !== resolve(dataDir)) return `the folder ${folder} of the socket does not exist`
  const there = await stat(path).catch(() => undefined)
  return there === undefined || there.isSocket() ? undefined : `${path} exists and is not a socket`
}

/** @param listeners with their whole path, the public one first */
export async function listenerProblems(
  listeners: readonly DeclaredListener[],
  root: Node,
  dataDir: string,
): Promise<readonly ConfigProblem[]> {
  const found: ConfigProblem[] = []
  const add = (at: Path, what: string, help?: string) =>
    found.push(problem('CONFIG_VALUE', { what }, at, locate(root, at).source, help))
  for (const [index, listener] of listeners.entries()) {
    const { path, unix, tls } = listener
    for (const earlier of listeners.slice(0, index)) {
      const what = sharedAddress(earlier, listener, dataDir)
      if (what === undefined) continue
      const help = 'Give each of the two listeners an address of its own.'
      add(
        [...path, unix === undefined ? 'port' : 'unix'],
        `${what} is also the address of ${jsonPointer(earlier.path)}`,
        help,
      )
    }
    const socket = unix === undefined ? undefined : await socketProblem(unix, dataDir)
    if (socket !== undefined) add([...path, 'unix'], socket)
    const { problems = [] } = tls === undefined ? {} : await readCertificate(tls, dataDir)
    for (const { part, what } of problems) add([...path, 'tls', part], what)
  }
  return found
}

type Listening = Pick<RuntimeConfig, 'listeners' | 'dataDir'>

/** A reload opens before it closes. @throws RELOAD_NEEDS_RESTART for an address that a listener has until then */
export function refuseHeld(before: Listening, next: Listening): void {
  for (const listener of next.listeners)
    for (const old of before.listeners) {
      const address = sharedAddress(old, listener, next.dataDir)
      if (address === undefined) continue
      const [from, to] = [jsonPointer(old.path), jsonPointer(listener.path)]
      if (from === to && (listener.shared || listener.unix !== undefined || old.host === listener.host)) continue
      throw coreError('RELOAD_NEEDS_RESTART', {
        sections: `${to} to ${address}, which ${from} holds until the reload has ended`,
      })
    }
}
