/** Space and inodes of the file system that holds a path. */
import { endStatFsThread, type StatFs, statFs } from '../../../core/plugin.ts'
import type { CheckResult } from '../api.ts'
import { type ConfigOf, type Kind, percent, worst } from './kind.ts'

type DiskLimits = Pick<ConfigOf<'disk'>, 'degradedAbove' | 'downAbove'>

/** @see df(1): used / (used + available), the blocks reserved for root left out */
export function readDisk({ bsize, frsize, blocks, bfree, bavail, files, ffree }: StatFs) {
  const used = blocks - bfree
  // Blocks are counted in `frsize`, which differs from `bsize` on virtiofs and other FUSE mounts.
  const blockBytes = frsize || bsize
  return {
    totalBytes: blocks * blockBytes,
    // Free for unprivileged users.
    freeBytes: bavail * blockBytes,
    usedRatio: used + bavail > 0 ? used / (used + bavail) : 0,
    // Without a fixed number of inodes, none counts as used.
    inodesUsedRatio: files > 0 ? (files - ffree) / files : 0,
  }
}

/** @returns the verdict over the fuller of space and inodes */
export function evaluateDisk(
  facts: ReturnType<typeof readDisk>,
  { degradedAbove, downAbove }: DiskLimits,
): CheckResult {
  const judge = (ratio: number, what: string) =>
    ratio > degradedAbove && {
      status: ratio > downAbove ? ('down' as const) : ('degraded' as const),
      message: `${percent(ratio)} of ${what} used, over ${percent(ratio > downAbove ? downAbove : degradedAbove)}`,
    }
  const round = (ratio: number) => Math.round(ratio * 1e4) / 1e4
  const { totalBytes, freeBytes } = facts
  const ratios = { usedRatio: round(facts.usedRatio), inodesUsedRatio: round(facts.inodesUsedRatio) }
  return {
    ...worst(judge(facts.usedRatio, 'space'), judge(facts.inodesUsedRatio, 'inodes')),
    details: { ...ratios, freeBytes, totalBytes },
  }
}

export const disk: Kind<'disk'> = ({ path, ...limits }) => ({
  run: async () => evaluateDisk(readDisk(await statFs(path)), limits),
  close: endStatFsThread,
})
