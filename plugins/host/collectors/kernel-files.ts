/** Reads the kernel's text files, bounded, below a root that tests and containers may choose. */
import { constants, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const defaultMaxBytes = 1_048_576
/** Most of these files are smaller. */
const firstBytes = 4_096

export interface Files {
  /** @param path absolute, as on the host @returns the text; undefined if unreadable or over `maxBytes` */
  text(path: string): Promise<string | undefined>
  /** @returns how many entries a folder has, or undefined where it cannot be read */
  count(path: string): Promise<number | undefined>
  /** The path as this process opens it. */
  resolve(path: string): string
}

async function readBounded(path: string, maxBytes: number): Promise<string | undefined> {
  // A named pipe without a writer would hold a thread of the pool until somebody writes.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    let buffer = Buffer.allocUnsafe(firstBytes)
    let filled = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, null)
      if (bytesRead === 0) return buffer.toString('utf8', 0, filled)
      filled += bytesRead
      if (filled > maxBytes) return undefined
      if (filled === buffer.length) buffer = Buffer.concat([buffer], 4 * filled)
    }
  } finally {
    await file.close()
  }
}

/** @param root directory that stands for `/` @param maxBytes a longer file counts as unreadable */
export function filesBelow(root: string, maxBytes: number = defaultMaxBytes): Files {
  const resolve = (path: string) => (root === '/' ? path : join(root, path))
  return {
    resolve,
    text: (path) => readBounded(resolve(path), maxBytes).catch(() => undefined),
    count: async (path) => (await readdir(resolve(path)).catch(() => undefined))?.length,
  }
}

/** Reads a file and parses it. @returns undefined where either gives nothing */
export async function parsed<T>(files: Files, path: string, parse: (text: string) => T | undefined) {
  const text = await files.text(path)
  return text === undefined ? undefined : parse(text)
}
