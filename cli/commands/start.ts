/** `arkwatch start` */
import { main } from '../../core/main.ts'
import type { Command } from '../cli.ts'
import { loadOptions } from '../load-options.ts'

export const start: Command<[], { watch: boolean }> = (cli, { watch }) =>
  main({ ...loadOptions(cli), watch, ...(cli.interactive && !cli.json && { announce: cli.print }) })
