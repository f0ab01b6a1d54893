/** Colours, where they are wanted. */
import type { Cli } from '../cli.ts'

const codes = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const
type Colour = keyof typeof codes

/** @returns the text in a colour if the terminal wants colours */
export const paint = ({ colour }: Pick<Cli, 'colour'>, name: Colour, text: string): string =>
  colour && text !== '' ? `\u001B[${codes[name]}m${text}\u001B[0m` : text

const stateColours: Readonly<Record<string, Colour>> = {
  ...{ ok: 'green', up: 'green', degraded: 'yellow', unknown: 'yellow', blocked: 'yellow' },
  ...{ failed: 'red', down: 'red', disabled: 'dim', stopped: 'dim' },
}

/** A state of a plugin or check in its colour. */
export const paintState = (cli: Pick<Cli, 'colour'>, state: string): string => {
  const colour = stateColours[state]
  return colour === undefined ? state : paint(cli, colour, state)
}
