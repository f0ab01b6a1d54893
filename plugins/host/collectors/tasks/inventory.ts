/**
 * The inventory by systeminformation, which starts processes and blocks while they run: hence a worker.
 * The one task that is not a pure function: its input is the machine.
 */
import type { TaskResult } from '../../../../core/worker.ts'

export interface Inventory {
  readonly os: string
  readonly kernel: string
  readonly arch: string
  readonly cpuModel: string
  /** Cores without hyper-threads, 0 if unknown. */
  readonly physicalCores: number
  /** `kvm`, `docker`…, empty for bare metal or unknown. */
  readonly virtualization: string
}

export default async function inventory(): Promise<TaskResult<Inventory>> {
  try {
    const { default: machine } = await import('systeminformation')
    const [os, cpu, system] = await Promise.all([machine.osInfo(), machine.cpu(), machine.system()])
    return {
      ok: true,
      value: {
        os: [os.distro, os.release].filter(Boolean).join(' '),
        kernel: os.kernel,
        arch: os.arch,
        cpuModel: [cpu.manufacturer, cpu.brand].filter(Boolean).join(' '),
        physicalCores: cpu.physicalCores,
        virtualization: system.virtual ? system.virtualHost || 'yes' : '',
      },
    }
  } catch (thrown) {
    return { ok: false, code: 'INVENTORY', message: thrown instanceof Error ? thrown.message : String(thrown) }
  }
}
