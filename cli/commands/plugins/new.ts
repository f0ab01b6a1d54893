/** `arkwatch plugin new` */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { messageOf } from '../../../core/contract/errors.ts'
import { version } from '../../../core/version.ts'
import { catalog } from '../../../plugins/catalog.ts'
import { answer, type Command } from '../../cli.ts'
import { cliError } from '../../errors.ts'
import { pluginNames } from '../../plugin-new/names.ts'
import { packageFiles } from '../../plugin-new/package-files.ts'
import { sourceFiles } from '../../plugin-new/source-files.ts'

/** The Arkwatch that runs: the registry may not have the package. */
const packageRoot = join(import.meta.dir, '../../..')

const isFull = (folder: string): boolean => {
  try {
    return readdirSync(folder).length > 0
  } catch {
    return existsSync(folder)
  }
}

type Options = { readonly dir?: string; readonly force?: boolean }

export const pluginNew: Command<[name: string], Options> = async (cli, { dir, force = false }, name) => {
  const names = pluginNames(name, Object.keys(catalog))
  const folder = resolve(cli.cwd, dir ?? names.package)
  if (!force && isFull(folder)) throw cliError('CLI_FILE_EXISTS', { file: folder })
  const files = Object.entries({ ...packageFiles(names, version), ...sourceFiles(names) })
  for (const [path, text] of files) {
    const file = join(folder, path)
    try {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    } catch (thrown) {
      throw cliError('CLI_FILE_UNWRITABLE', { file, reason: messageOf(thrown) }, thrown)
    }
  }
  const near = relative(cli.cwd, folder)
  const shown = near.startsWith('..') ? folder : `./${near}`
  const made = { name: names.plugin, package: names.package, folder, files: files.map(([path]) => path) }
  const text = `wrote ${files.length} files to ${shown}
  cd ${shown} && bun add --dev "arkwatch@file:${packageRoot}" && bun test
  in config.yaml: plugins: { ${names.plugin}: { from: ${shown} } }`
  return answer(cli, made, () => text)
}
