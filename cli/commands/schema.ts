/** `arkwatch schema` */
import { configSchema } from '../../core/config/schema/json-schema.ts'
import { catalog } from '../../plugins/catalog.ts'
import { type Command, printJson } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'

export const schema: Command = async (cli) => {
  printJson(cli, await configSchema(catalog))
  return exitCodes.ok
}
