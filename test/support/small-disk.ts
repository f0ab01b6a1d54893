/** A real file system that is small, can be filled to the last byte, and can be made read-only. Needs root on Linux. */
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const runs = (...command: string[]) => Bun.spawnSync(command, { stdout: 'ignore', stderr: 'ignore' }).exitCode === 0

export interface SmallDisk {
  readonly folder: string
  /** Leaves no room for another block. */
  fill(): void
  /** Gives the room back. */
  free(): void
  /** @returns whether it was possible: not while files are open for writing */
  readOnly(on: boolean): boolean
  remove(): void
}

/** @returns undefined where this user may not mount; tests must say so */
export function smallDisk(bytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'arkwatch-disk-'))
  if (process.getuid?.() !== 0 || !runs('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder)) {
    rmSync(folder, { recursive: true })
    return undefined
  }
  const filler = join(folder, 'filler')
  return {
    folder,
    fill() {
      let blocks = statfsSync(folder).bavail + 64
      for (; blocks > 0; blocks -= 1) {
        try {
          writeFileSync(filler, new Uint8Array(blocks * 4_096))
          if (statfsSync(folder).bavail === 0) return
        } catch {
          // Written as far as it went, which is what is wanted.
          if (statfsSync(folder).bavail === 0) return
        }
      }
    },
    free: () => rmSync(filler, { force: true }),
    readOnly: (on) => runs('mount', '-o', `remount,${on ? 'ro' : 'rw'}`, folder),
    remove() {
      runs('umount', '-l', folder)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
