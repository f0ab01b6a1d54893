/** `arkwatch audit export` */
import { type Command, printJson } from '../../cli.ts'
import { exitCodes } from '../../exit-codes.ts'
import { instance } from '../../instance.ts'

const timeoutMs = 600_000

const auditExport: Command = async (cli) => {
  const answer = await instance(cli, timeoutMs).call<{ text: string; publicKey: string }>('audit.export')
  if (cli.json) printJson(cli, answer)
  else cli.print(answer.text.trimEnd())
  return exitCodes.ok
}

export default auditExport
