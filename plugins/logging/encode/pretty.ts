/** The readable format of lines for terminals, made by pino-pretty in this thread. */
import type { Level } from '../../../core/plugin.ts'

/** @param line a JSON line @returns the same as one or more readable lines */
export type LineFormat = (line: string) => string

/** Control characters, which could move the cursor or begin a line of their own. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g
const visible = (character: string) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`

const oneLine = (text: string) => text.replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(control, visible)

/** A reviver: values first, then the keys of the object that holds them. */
function calm(key: string, value: unknown): unknown {
  if (typeof value === 'string') return key === 'stack' ? value.replace(control, visible) : oneLine(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (Object.keys(value).every((name) => oneLine(name) === name)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [oneLine(name), inner]))
}

/** Asynchronous, since it imports pino-pretty. @param color whether to use colours */
export async function createPretty(color: boolean): Promise<LineFormat> {
  const { prettyFactory } = await import('pino-pretty')
  const pretty = prettyFactory({
    colorize: color,
    colorizeObjects: color,
    messageKey: 'message',
    timestampKey: 'timestamp',
    levelKey: 'level',
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'logger,module,function,line',
    messageFormat: (log, messageKey) => {
      const at = log.module === undefined ? '' : ` (${log.module}:${log.line} ${log.function})`
      return `${log.logger}: ${log[messageKey]}${at}`
    },
    errorLikeObjectKeys: ['error', 'err', 'cause'],
  })
  return (line) => pretty(JSON.parse(line, calm) as { level: Level }) ?? line
}
