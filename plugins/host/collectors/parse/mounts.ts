/** PURE. `/proc/self/mounts`. */

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

/** @returns bytes of the blocks that {@link StatFs} counts */
export const blockBytes = ({ frsize, bsize }: Pick<StatFs, 'frsize' | 'bsize'>): number => frsize || bsize

/** @returns 0-100 as `df` counts: blocks reserved for root are neither used nor free; undefined without blocks */
export function diskUsedPercent({ blocks, bfree, bavail }: StatFs): number | undefined {
  const used = blocks - bfree
  const reachable = used + bavail
  return blocks > 0 && used >= 0 && reachable > 0 ? (used / reachable) * 100 : undefined
}
