import { describe, expect, test } from 'bun:test'
import { rotationDue, rotationMoves } from '../../../../plugins/logging/sinks/rotation.ts'

describe('a file is put aside', () => {
  const hour = 3_600_000
  const table: [string, number, number, number, number, number | undefined, ReturnType<typeof rotationDue>][] = [
    ['not while it has room', 50, 50, 0, 0, undefined, undefined],
    ['when it would grow beyond its size', 50, 51, 0, 0, undefined, 'size'],
    ['not when it is empty, whatever comes', 0, 500, 0, 0, undefined, undefined],
    ['not within a period', 50, 1, hour, 2 * hour - 1, hour, undefined],
    ['at the border of a period', 50, 1, 2 * hour - 1, 2 * hour, hour, 'time'],
    ['not at a border when it is empty', 0, 1, 0, hour, hour, undefined],
    ['after a long sleep', 50, 1, 0, 50 * hour, hour, 'time'],
  ]
  for (const [name, size, adding, writtenMs, nowMs, every, wanted] of table) {
    test(name, () => {
      expect(rotationDue({ size: 100, files: 1, ...(every && { every }) }, size, adding, writtenMs, nowMs)).toBe(wanted)
    })
  }
})

describe('the moves', () => {
  const table: [string, number, string[], [string, string | undefined][]][] = [
    ['the first time', 3, ['a'], [['a', 'a.1']]],
    ['with a gap', 3, ['a', 'a.2'], [['a', 'a.1']]],
    [
      'shift',
      3,
      ['a', 'a.1', 'a.2'],
      [
        ['a.2', 'a.3'],
        ['a.1', 'a.2'],
        ['a', 'a.1'],
      ],
    ],
    [
      'delete the oldest',
      2,
      ['a', 'a.1', 'a.2'],
      [
        ['a.2', undefined],
        ['a.1', 'a.2'],
        ['a', 'a.1'],
      ],
    ],
    ['keep none', 0, ['a'], [['a', undefined]]],
  ]
  for (const [name, files, existing, wanted] of table) {
    test(name, () => {
      const moves = rotationMoves('a', files, (path) => existing.includes(path))
      expect(moves.map(({ from, to }) => [from, to])).toEqual(wanted)
    })
  }
})
