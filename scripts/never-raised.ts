/** The error codes that no test raised. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { errorSections } from './generate/error-docs.ts'

/**
 * @param root of the project
 * @param folder where test/support/raised-codes.ts wrote, a code a line
 * @returns the codes of the tables that are in no file of the folder, sorted
 */
export async function neverRaised(root: string, folder: string): Promise<readonly string[]> {
  const texts = await Promise.all(readdirSync(folder).map((name) => Bun.file(join(folder, name)).text()))
  const raised = new Set(texts.flatMap((text) => text.split('\n')))
  const codes = (await errorSections(root)).flatMap(({ table }) => Object.keys(table))
  return codes.filter((code) => !raised.has(code)).sort()
}
