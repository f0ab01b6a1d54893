/** Commands of the command line, with their arguments and options. */
import { Command } from 'commander'
import { runCli } from '../../../cli/program.ts'

const linesOf = (command: Command, parent: string): string[] => {
  const name = [parent, command.name()].join(' ').trim()
  const given = command.registeredArguments.map((each) => {
    const text = each.variadic ? `${each.name()}...` : each.name()
    return each.required ? `<${text}>` : `[${text}]`
  })
  return [
    ['command', name, ...given].join(' '),
    ...command.options.map(({ flags }) => `option ${name} ${flags}`),
    ...command.commands.flatMap((each) => linesOf(each, name)),
  ]
}

/** @returns a line for each command and each option */
export async function commandLine(): Promise<string[]> {
  const parse = Command.prototype.parseAsync
  let program: Command | undefined
  // The program is made for one command line, and would run it.
  Command.prototype.parseAsync = function (this: Command) {
    program = this
    return Promise.resolve(this)
  }
  try {
    await runCli([])
  } finally {
    Command.prototype.parseAsync = parse
  }
  if (program === undefined) throw new Error('the command line was not parsed')
  return linesOf(program, '')
}
