/** PURE. Figures of `statfs(2)`. */
import type { StatFs } from '../../../../core/plugin.ts'

/** @returns bytes of the blocks that {@link StatFs} counts */
export const blockBytes = ({ frsize, bsize }: Pick<StatFs, 'frsize' | 'bsize'>): number => frsize || bsize

/** @returns 0-100 as `df` counts: blocks reserved for root are neither used nor free; undefined without blocks */
export function diskUsedPercent({ blocks, bfree, bavail }: StatFs): number | undefined {
  const used = blocks - bfree
  const reachable = used + bavail
  return blocks > 0 && used >= 0 && reachable > 0 ? (used / reachable) * 100 : undefined
}
