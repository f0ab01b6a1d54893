/** The machine's inventory, taken once: `arkwatch_host_info`. */
import os from 'node:os'
import { task } from '../../../core/plugin.ts'
import { parsed } from './kernel-files.ts'
import { parseCpuinfo, parseOsRelease } from './parse/system.ts'
import type { HostContext, Source } from './source.ts'
import type { Inventory } from './tasks/inventory.ts'

const inventoryFile = new URL('./tasks/inventory.ts', import.meta.url)
const inventoryTask = task<Record<never, never>, Inventory>('host.inventory', inventoryFile)
const inventoryWithinMs = 20_000
/** Milliseconds that the collector needs at most. */
export const infoTimeoutMs = inventoryWithinMs + 5_000
const maxLength = 200

const unnamedVm = 'vm'

/** What the operating system says without any other package. */
async function plainInventory({ files, ownFiles }: HostContext): Promise<Inventory> {
  const [release, cpu, docker, podman] = await Promise.all([
    parsed(files, '/etc/os-release', parseOsRelease),
    parsed(files, '/proc/cpuinfo', parseCpuinfo),
    ownFiles.text('/.dockerenv'),
    ownFiles.text('/run/.containerenv'),
  ])
  const container = docker !== undefined ? 'docker' : podman !== undefined ? 'podman' : ''
  return {
    os: release?.get('PRETTY_NAME') ?? '',
    kernel: os.release(),
    arch: os.machine(),
    cpuModel: cpu?.model || (os.cpus()[0]?.model ?? ''),
    physicalCores: cpu?.physicalCores ?? 0,
    virtualization: container || (cpu?.isVirtual ? unnamedVm : ''),
  }
}

/** Fills what the files of the kernel leave open: an empty text, 0, and `vm` without the name of the hypervisor. */
const merged = (plain: Inventory, detailed: Inventory): Inventory => ({
  ...plain,
  os: plain.os || detailed.os,
  cpuModel: plain.cpuModel || detailed.cpuModel,
  physicalCores: plain.physicalCores || detailed.physicalCores,
  virtualization: plain.virtualization.replace(unnamedVm, '') || detailed.virtualization || plain.virtualization,
})

export const info =
  (context: HostContext): Source =>
  (batch) => {
    const gauge = batch.gauge({
      name: 'arkwatch_host_info',
      help: 'Always 1; the labels describe the host, as read once after the start.',
      labels: ['os', 'kernel', 'arch', 'cpu_model', 'cpus', 'physical_cores', 'virtualization', 'hostname'],
      maxSeries: 1,
    })
    const show = (inventory: Inventory) => {
      const cut = (value: string | number) => String(value).slice(0, maxLength)
      batch.observe(() =>
        gauge.set(1, {
          os: cut(inventory.os || os.type()),
          kernel: cut(inventory.kernel),
          arch: cut(inventory.arch),
          cpu_model: cut(inventory.cpuModel),
          cpus: cut(os.cpus().length),
          physical_cores: inventory.physicalCores > 0 ? cut(inventory.physicalCores) : '',
          virtualization: cut(inventory.virtualization),
          hostname: cut(os.hostname()),
        }),
      )
    }
    let taken = false
    return async () => {
      if (taken) return
      taken = true
      const plain = await plainInventory(context)
      show(plain)
      if (context.config.inventory === 'plain') return
      const run = context.workers?.run(inventoryTask, {}, { timeoutMs: inventoryWithinMs })
      // Where the package is missing or takes too long, the plain values stay.
      const detailed = await run?.catch(() => undefined)
      if (detailed) show(merged(plain, detailed))
    }
  }
