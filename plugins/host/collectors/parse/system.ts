/** PURE. The small files: load, file handles, limits, release and CPUs. */

/** `/proc/loadavg`. @returns runnable tasks over 1, 5 and 15 minutes */
export function parseLoadavg(text: string): readonly [number, number, number] | undefined {
  const match = /^(\d+(?:\.\d+)?) (\d+(?:\.\d+)?) (\d+(?:\.\d+)?) /.exec(text)
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined
}

/** `/proc/sys/fs/file-nr`. */
export function parseFileNr(text: string): { readonly allocated: number; readonly maximum: number } | undefined {
  const match = /^(\d+)\s+\d+\s+(\d+)\s*$/.exec(text)
  return match ? { allocated: Number(match[1]), maximum: Number(match[2]) } : undefined
}

/** `/proc/self/limits`. @returns the soft limit of open files, or undefined if there is none */
export function parseMaxOpenFiles(text: string): number | undefined {
  const match = /^Max open files\s+(\d+)\s/m.exec(text)
  return match ? Number(match[1]) : undefined
}

/** `/etc/os-release`. @returns its keys with quotes taken off */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const match of text.matchAll(/^([A-Z][A-Z0-9_]*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S*))\s*$/gm)) {
    values.set(match[1]!, (match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? match[4])!)
  }
  return values
}

export interface CpuInfo {
  readonly model: string
  /** Cores without hyper-threads, 0 where the kernel does not say. */
  readonly physicalCores: number
  /** Of the first core, 0 where the kernel does not say. */
  readonly mhz: number
  /** Whether a hypervisor is below. */
  readonly isVirtual: boolean
}

/** `/proc/cpuinfo`, whose keys differ by architecture. */
export function parseCpuinfo(text: string): CpuInfo {
  const cores = new Set<string>()
  for (const block of text.split('\n\n')) {
    const core = /^core id\s*: (\d+)$/m.exec(block)?.[1]
    if (core !== undefined) cores.add(`${/^physical id\s*: (\d+)$/m.exec(block)?.[1]}/${core}`)
  }
  return {
    model: /^(?:model name|Model|cpu model|cpu)\s*: (.+)$/m.exec(text)?.[1]?.trim() ?? '',
    physicalCores: cores.size,
    mhz: Number(/^cpu MHz\s*: ([\d.]+)$/m.exec(text)?.[1] ?? 0),
    isVirtual: /^flags\s*:.*\bhypervisor\b/m.test(text),
  }
}
