/** What is wrong with the listeners of a whole configuration: addresses, socket paths, certificates. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { hostsMeet } from '../contract/bind-address.ts'
import { type ConfigProblem, jsonPointer } from '../contract/config-problem.ts'
import type { DeclaredListener } from '../contract/definition.ts'
import { coreError, messageOf } from '../contract/errors.ts'
import { problem } from './errors.ts'
import { locate, type Node, type Path } from './tree/node.ts'
import type { RuntimeConfig } from './types.ts'

/** Bytes: 107 of Linux, less the number that a socket has in its name until it replaces the one before. */
const longestSocketPath = 100
const largestPem = 1024 * 1024

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

/** @returns the text of a PEM file @throws Error saying why not */
async function readPem(file: string): Promise<string> {
  const found = await stat(file)
  if (!found.isFile() || found.size > largestPem) throw new Error(`${file} is not a file of at most 1 MiB`)
  return readFile(file, 'utf8')
}

async function* tlsProblems({ cert, key }: NonNullable<DeclaredListener['tls']>, dataDir: string) {
  const read = async <T>(file: string, what: string, parse: (text: string) => T) => {
    const path = resolve(dataDir, file)
    try {
      const text = await readPem(path)
      try {
        return { value: parse(text) }
      } catch {
        // The parser's message is about the bytes of the file.
        return { what: `${path} holds no ${what} in PEM that can be read without a passphrase` }
      }
    } catch (error) {
      return { what: `cannot read the ${what}: ${messageOf(error)}` }
    }
  }
  const certificate = await read(cert, 'certificate', (text) => new X509Certificate(text))
  const privateKey = await read(key, 'private key', (text) => createPrivateKey(text))
  if (certificate.what !== undefined) yield { key: 'cert', what: certificate.what }
  if (privateKey.what !== undefined) yield { key: 'key', what: privateKey.what }
  if (
    certificate.value !== undefined &&
    privateKey.value !== undefined &&
    !certificate.value.checkPrivateKey(privateKey.value)
  )
    yield { key: 'key', what: `the private key ${key} does not belong to the certificate ${cert}` }
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
    if (tls !== undefined) for await (const { key, what } of tlsProblems(tls, dataDir)) add([...path, 'tls', key], what)
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
      throw coreError('RELOAD_NEEDS_RESTART', { sections: `${to} to ${address}, which ${from} has until the end` })
    }
}
