import type { z } from '../../core/plugin.ts'
import { HostConfig, ProcessConfig } from '../host-options.ts'

export const HostSection = HostConfig.extend({
  process: ProcessConfig.prefault({}).describe('Metrics of this process.'),
})
export type HostSection = z.output<typeof HostSection>
