/** Where the secrets of a text stand: in the text as it came, so that no secret hides another one. Pure. */

/** Offsets of the first character of a secret and of the first one behind it. */
export type Span = readonly [start: number, end: number]

/**
 * Replaces the spans; those that overlap or touch are one secret.
 * @param length only this much of the text is shown; a secret across that end is replaced as a whole
 */
export function replaceSpans(text: string, spans: Span[], mask: (secret: string) => string, length: number): string {
  spans.sort(([one], [other]) => one - other)
  let shown = ''
  let done = 0
  for (let index = 0; index < spans.length; ) {
    const [start] = spans[index]!
    let end = spans[index]![1]
    for (index += 1; index < spans.length && spans[index]![0] <= end; index += 1) end = Math.max(end, spans[index]![1])
    if (start >= length) break
    shown += text.slice(done, start) + mask(text.slice(start, end))
    done = end
  }
  return shown + text.slice(done, Math.max(done, length))
}
