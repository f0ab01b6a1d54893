/** The rotation of a file: when the file is renamed, and the new names. Pure. */

export interface Rotation {
  /** Bytes. */
  readonly size: number
  /** Milliseconds; the file is rotated at each multiple since the epoch. */
  readonly every?: number
  /** Rotated files that are kept. */
  readonly files: number
}

/**
 * @param size bytes in the file now @param adding bytes about to be added
 * @param writtenMs when the file was last written, epoch ms
 * @returns why the file must be rotated first, or undefined
 */
export function rotationDue(
  { size: maxBytes, every }: Rotation,
  size: number,
  adding: number,
  writtenMs: number,
  nowMs: number,
): 'size' | 'time' | undefined {
  if (size === 0) return undefined
  if (size + adding > maxBytes) return 'size'
  if (every !== undefined && Math.floor(writtenMs / every) !== Math.floor(nowMs / every)) return 'time'
  return undefined
}

/** @param existing whether a file exists @returns the renames of `path` to `path.1`, in order; no `to` means delete */
export function rotationMoves(path: string, files: number, existing: (path: string) => boolean) {
  const moves: { readonly from: string; readonly to: string | undefined }[] = []
  let last = 0
  while (last < files && existing(`${path}.${last + 1}`)) last += 1
  const numbered = (number: number) => (number === 0 ? path : `${path}.${number}`)
  for (let number = last; number >= 0; number -= 1) {
    moves.push({ from: numbered(number), to: number + 1 > files ? undefined : numbered(number + 1) })
  }
  return moves
}
