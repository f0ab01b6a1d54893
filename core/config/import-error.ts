/** PURE. What an import of a plugin's module threw, with the place in the code. */
import { dirname, sep } from 'node:path'
import { isError, messageOf } from '../contract/errors.ts'

/** A place in the code as Bun gives it: an error of the parser has one. */
interface Placed {
  readonly message: string
  readonly position?: { readonly file: string; readonly line: number; readonly column: number } | null
}

const placeOf = ({ position, message }: Placed) =>
  position ? `${position.file}:${position.line}:${position.column}: ${message}` : message

const maxFrames = 20

/** The first place of a stack in the directory of `file`, else the first place. */
function frameOf({ stack = '' }: Error, file: string): string | undefined {
  const places = stack.split('\n', maxFrames).flatMap((line) => {
    const at = line.trimStart().startsWith('at ') ? line.indexOf('/') : -1
    return at === -1 ? [] : [line.slice(at).replace(/\)$/, '')]
  })
  return places.find((place) => place.startsWith(dirname(file) + sep)) ?? places[0]
}

/** @param file absolute path of the module @returns the message with the place in the code, and what to do */
export function describeImportError(thrown: unknown, file: string): { readonly what: string; readonly help: string } {
  const { name, errors = [] } = (thrown ?? {}) as { name?: unknown; errors?: readonly Placed[] }
  if (name === 'ResolveMessage')
    return {
      what: messageOf(thrown),
      help: 'Check the path, or install it with `bun add` and restart the process, which remembers a package that it did not find.',
    }
  const help = 'Fix the code of the plugin. Restart the process if a reload still shows the old error.'
  if (errors[0] !== undefined) {
    const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`
    return { what: `${placeOf(errors[0])}${more}`, help }
  }
  if (name === 'BuildMessage') return { what: placeOf(thrown as Placed), help }
  const place = (isError(thrown) ? frameOf(thrown, file) : undefined) ?? file
  return { what: `${place}: ${messageOf(thrown)}`, help }
}
