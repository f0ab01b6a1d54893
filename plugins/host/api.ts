/** What other plugins may use of host. */
import { service } from '../../core/plugin.ts'

/** One reading of the host. */
export interface HostSample {
  readonly cpu: {
    /** Percentage of CPU time neither idle nor I/O wait since the previous sample, at first since the boot. */
    readonly percent: number
    /** Cores without hyper-threads, 0 if unknown. */
    readonly physicalCores: number
    /** Frequency of the first core, 0 if unknown. */
    readonly mhz: number
  }
  readonly memory: {
    readonly totalBytes: number
    /** Memory that new work can have without swapping. */
    readonly availableBytes: number
    /** Share that is not available, 0-100. */
    readonly percent: number
  }
  /** Undefined where the file system does not answer within a second. */
  readonly disk:
    | {
        readonly totalBytes: number
        /** Space that ordinary users may fill. */
        readonly freeBytes: number
        /** Space that is used, as `df` counts it: the space reserved for root is neither used nor free. */
        readonly usedBytes: number
        /** Used share of what ordinary users may fill, 0-100. */
        readonly percent: number
      }
    | undefined
  /** Tasks that ran or waited, mean over 1, 5 and 15 minutes. Undefined where the kernel does not say. */
  readonly load: readonly [number, number, number] | undefined
  /** Totals of all interfaces but loopback, since the boot. */
  readonly network: {
    readonly receivedBytes: number
    readonly receivedPackets: number
    readonly sentBytes: number
    readonly sentPackets: number
  }
}

export interface Host {
  /**
   * Reads the host, or takes what a collector read just before.
   * @param path on the file system that `disk` describes, as this process sees the path. @default the root of the host
   */
  sample(path?: string): Promise<HostSample>
}
export const Host = service<Host>('host')
