/** PURE. `/proc/meminfo`. */

/** @returns bytes by the kernel's name (`MemTotal`); lines that are no amount of memory are left out */
export const parseMeminfo = (text: string): ReadonlyMap<string, number> =>
  new Map(text.matchAll(/^([^:\s]+):\s+(\d+) kB$/gm).map(([, name, kib]) => [name!, Number(kib) * 1024]))

/** @returns 0-100 @see psutil: in a container `MemAvailable` can exceed the total; then free memory is used */
export function usedPercent(memory: ReadonlyMap<string, number>): number | undefined {
  const total = memory.get('MemTotal')
  let available = memory.get('MemAvailable')
  if (total !== undefined && available !== undefined && available > total) available = memory.get('MemFree')
  if (!total || available === undefined || available > total) return undefined
  return ((total - available) / total) * 100
}
