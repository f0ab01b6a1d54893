/** `arkwatch schema` */
import { configSchema } from '../../core/config/schema/json-schema.ts'
import { exitCodes } from '../../core/exit-codes.ts'
import { catalog } from '../../plugins/catalog.ts'
import { type Command, printJson } from '../cli.ts'

export const schema: Command = async (cli) => {
  printJson(cli, await configSchema(catalog))
  return exitCodes.ok
}
