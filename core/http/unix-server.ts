/** Servers on socket files. */
import { linkSync, renameSync, rmSync, statSync } from 'node:fs'

interface SocketFile {
  readonly ino: number
  /** A second name of the socket, while the path is that of a later server. */
  kept?: string | undefined
}

let drafts = 0
/** By path the sockets of this process, the newest last. */
const sockets = new Map<string, SocketFile[]>()

const inoAt = (path: string) => statSync(path, { throwIfNoEntry: false })?.ino

/** Gives the path to a new socket. A reload that fails gives the path back to the socket before. */
function take(path: string, draft: string): SocketFile {
  const own = { ino: inoAt(draft)! }
  const others = sockets.get(path) ?? []
  const before = others.at(-1)
  if (before !== undefined && inoAt(path) === before.ino) {
    before.kept = `${draft}.kept`
    rmSync(before.kept, { force: true })
    linkSync(path, before.kept)
  }
  renameSync(draft, path)
  sockets.set(path, [...others, own])
  return own
}

function giveBack(path: string, own: SocketFile): void {
  const others = (sockets.get(path) ?? []).filter((each) => each !== own)
  if (others.length > 0) sockets.set(path, others)
  else sockets.delete(path)
  if (own.kept !== undefined) rmSync(own.kept, { force: true })
  if (inoAt(path) !== own.ino) return
  const before = others.at(-1)
  if (before?.kept === undefined) rmSync(path, { force: true })
  else {
    renameSync(before.kept, path)
    before.kept = undefined
  }
}

/**
 * Opens a socket file (0600), in place of an existing socket, not of another file. Bun deletes the path of a server
 * that stops: the server gets a path of its own, and its `stop` removes the socket file unless a later server has
 * replaced the file. Where an earlier server of this process still listens, its socket is at the path again.
 */
export function serveUnix(
  path: string,
  options: Omit<Bun.Serve.Options<unknown>, 'unix'>,
): Bun.Server<unknown> & { readonly ino: number } {
  drafts += 1
  const draft = `${path}.${drafts}`
  const previousMask = process.umask(0o177)
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isSocket() === false) throw new Error(`${path} is not a socket`)
    rmSync(draft, { force: true })
    const server = Bun.serve({ unix: draft, ...options } as never) as Bun.Server<unknown>
    const own = take(path, draft)
    const stop = server.stop.bind(server)
    let isStopped = false
    server.stop = (force) => {
      if (!isStopped) giveBack(path, own)
      isStopped = true
      return stop(force)
    }
    return Object.assign(server, { ino: own.ino })
  } finally {
    process.umask(previousMask)
  }
}
