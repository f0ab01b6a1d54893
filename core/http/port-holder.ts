/** Finds out which process listens on a port, as far as /proc tells. Linux only, best effort, bounded. */
import { readdir, readFile, readlink } from 'node:fs/promises'

const maxDescriptors = 20_000
const listening = '0A'

/** @param table text of /proc/net/tcp or tcp6 @returns inodes of the sockets that listen on the port */
export function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    return local?.endsWith(suffix) && state === listening && inode ? [inode] : []
  })
}

const textOf = (path: string) => readFile(path, 'utf8').catch(() => '')
const entriesOf = (path: string) => readdir(path).catch(() => [] as string[])

/** @returns `redis-server, pid 812`, or undefined if it is not known */
export async function portHolder(port: number): Promise<string | undefined> {
  const tables = await Promise.all([textOf('/proc/net/tcp'), textOf('/proc/net/tcp6')])
  const wanted = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`))
  if (wanted.size === 0) return undefined
  let seen = 0
  for (const pid of (await entriesOf('/proc')).filter((name) => /^\d+$/.test(name))) {
    for (const descriptor of await entriesOf(`/proc/${pid}/fd`)) {
      seen += 1
      if (seen > maxDescriptors) return undefined
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      if (wanted.has(target)) return `${(await textOf(`/proc/${pid}/comm`)).trim() || 'unknown'}, pid ${pid}`
    }
  }
  return undefined
}
