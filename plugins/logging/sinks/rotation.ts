/** When a file is put aside, and under which name. Pure. */

export interface Rotation {
  /** Bytes. */
  readonly size: number
  /** Milliseconds; multiples of it since the epoch are the borders. */
  readonly every?: number
  /** Files put aside that are kept. */
  readonly files: number
}

export type RotationReason = 'size' | 'time'

/**
 * @param size bytes in the file now @param adding bytes about to be added
 * @param writtenMs when the file was last written, epoch ms
 * @returns why the file must be put aside first, or undefined
 */
export function rotationDue(
  { size: maxBytes, every }: Rotation,
  size: number,
  adding: number,
  writtenMs: number,
  nowMs: number,
): RotationReason | undefined {
  if (size === 0) return undefined
  if (size + adding > maxBytes) return 'size'
  if (every !== undefined && Math.floor(writtenMs / every) !== Math.floor(nowMs / every)) return 'time'
  return undefined
}

/** One rename; `to` undefined means delete. */
export interface Move {
  readonly from: string
  readonly to: string | undefined
}

/** The moves that put `path` aside as `path.1`, in order. @param existing whether there is such a file */
export function rotationMoves(path: string, files: number, existing: (path: string) => boolean): Move[] {
  const moves: Move[] = []
  let last = 0
  while (last < files && existing(`${path}.${last + 1}`)) last += 1
  const numbered = (number: number) => (number === 0 ? path : `${path}.${number}`)
  for (let number = last; number >= 0; number -= 1) {
    moves.push({ from: numbered(number), to: number + 1 > files ? undefined : numbered(number + 1) })
  }
  return moves
}
