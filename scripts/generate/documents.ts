/** What the generated files must hold, computed from the source. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { $ZodType } from 'zod/v4/core'
import { configSchema } from '../../core/config/schema/json-schema.ts'
import { RootConfig, rootPresets } from '../../core/config/schema/root-config.ts'
import type { AnyPlugin } from '../../core/contract/definition.ts'
import { catalog } from '../../plugins/catalog.ts'
import { environmentOverlays } from '../../plugins/environment.ts'
import { errorDocs, errorSections } from './error-docs.ts'
import { importPicture } from './import-picture.ts'
import { optionTable, type Presets } from './option-table.ts'
import { surface } from './surface/surface.ts'

/** @returns the page with a text between the marks of its name. @throws when it has none */
export function between(page: string, name: string, text: string, file: string): string {
  const startMark = `<!-- ${name}:start -->`
  const endMark = `<!-- ${name}:end -->`
  const start = page.indexOf(startMark)
  const end = page.indexOf(endMark)
  if (start === -1 || end < start) throw new Error(`${file} has no ${startMark} … ${endMark}`)
  return `${page.slice(0, start + startMark.length)}\n\n${text}\n\n${page.slice(end)}`
}

/** @returns the page with the table of options between its marks. @throws when it has none */
export const withOptions = (page: string, schema: $ZodType, file: string, presets?: Presets): string =>
  between(page, 'options', optionTable(schema, presets), file)

/** A row for each environment variable, however many options the variable sets. */
const variableTable = (): string => {
  const rows = Map.groupBy(environmentOverlays, ({ variable }) => variable)
  const lines = [...rows].map(
    ([variable, overlays]) => `| \`${variable}\` | ${overlays.map(({ effect }) => effect).join('; ')} |`,
  )
  return ['| variable | takes and sets |', '|---|---|', ...lines].join('\n')
}

/** @returns file paths from the root with their contents; undefined for a page that somebody has to write first */
export async function documents(root: string): Promise<ReadonlyMap<string, string | undefined>> {
  const files = new Map<string, string | undefined>()
  const schema = await configSchema(catalog)
  const errors = await errorSections(root)
  files.set('config.schema.json', `${JSON.stringify(schema, null, 2)}\n`)
  files.set('docs/errors.md', errorDocs(errors))
  files.set('docs/surface.txt', await surface(root, schema, errors))
  const page = async (file: string, schema: $ZodType, presets?: Presets) => {
    const path = join(root, file)
    files.set(file, existsSync(path) ? withOptions(await Bun.file(path).text(), schema, file, presets) : undefined)
  }
  for (const [name, load] of Object.entries(catalog)) {
    const { config, presets } = (await load()).default as AnyPlugin
    await page(`plugins/${name}/README.md`, config, presets)
  }
  await page('docs/configuration.md', RootConfig, rootPresets)
  const configuration = 'docs/configuration.md'
  files.set(configuration, between(files.get(configuration)!, 'variables', variableTable(), configuration))
  const house = 'docs/architecture.md'
  files.set(house, between(await Bun.file(join(root, house)).text(), 'imports', importPicture(root), house))
  return files
}
