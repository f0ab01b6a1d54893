/** How the command line reads a configuration: its file, its environment, the plugins that come with Arkwatch. */
import type { LoadOptions } from '../core/config/load.ts'
import { catalog } from '../plugins/catalog.ts'
import { environmentOverlays } from '../plugins/environment.ts'
import type { Cli } from './cli.ts'

export const loadOptions = ({ configFile, env, cwd }: Cli): LoadOptions => ({
  file: configFile,
  env,
  catalog,
  overlays: environmentOverlays,
  cwd,
})
