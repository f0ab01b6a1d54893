import type { z } from '../../core/plugin.ts'
import { HostConfig, ProcessConfig } from '../host-options.ts'

/** The section `plugins.host` of config.yaml. */
export const HostSection = HostConfig.extend({
  process: ProcessConfig.prefault({}).describe('Metrics of this process.'),
})
export type HostSection = z.output<typeof HostSection>
