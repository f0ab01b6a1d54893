/** PURE. `/proc/self/mounts`, and what `statfs(2)` answers. */

export interface Mount {
  readonly device: string
  readonly mountpoint: string
  readonly fstype: string
  readonly readonly: boolean
}

/** Undoes the octal escapes (`\040` for a blank) of the kernel's mount tables. */
export const unescapeMount = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

/** @returns the mounts in force: of several on one mountpoint the last, which hides the others */
export function parseMounts(text: string): readonly Mount[] {
  const byMountpoint = new Map<string, Mount>()
  for (const line of text.split('\n')) {
    const [device, mountpoint, fstype, options] = line.split(' ')
    if (!device || !mountpoint || !fstype || options === undefined) continue
    const mount = {
      device: unescapeMount(device),
      mountpoint: unescapeMount(mountpoint),
      fstype,
      readonly: options.split(',').includes('ro'),
    }
    byMountpoint.delete(mount.mountpoint)
    byMountpoint.set(mount.mountpoint, mount)
  }
  return [...byMountpoint.values()]
}

/** A call that takes longer counts as hung. */
export const answerWithinMs = 1_000

/** Blocks and inodes as `statfs(2)` gives them. */
export interface StatFs {
  /** Preferred size of a transfer. */
  readonly bsize: number
  /** Bytes of a block; 0 or absent where the system knows only `bsize`. Differs from `bsize` on FUSE mounts. */
  readonly frsize?: number
  readonly blocks: number
  readonly bfree: number
  readonly bavail: number
  readonly files: number
  readonly ffree: number
}
