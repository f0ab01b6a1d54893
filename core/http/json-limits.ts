/** What of a JSON text is too much to be parsed and checked on the main thread. Pure. */

export interface JsonLimits {
  /** Values, those of lists and maps included. */
  readonly values: number
  /** Brackets within brackets. */
  readonly depth: number
}

/** Linear, and never recurses. @returns what is too much, to follow "it"; undefined within the limits */
export function jsonExcess(text: string, { values, depth: deepest }: JsonLimits): string | undefined {
  let count = 1
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 0x5c) index += 1
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x2c) count += 1
    else if (code === 0x5d || code === 0x7d) depth -= 1
    else if (code === 0x5b || code === 0x7b) {
      depth += 1
      count += 1
      if (depth > deepest) return `nests deeper than ${deepest}`
    }
    if (count > values) return `has more than ${values} values`
  }
  return undefined
}
