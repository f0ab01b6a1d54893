import { afterEach, expect, test } from 'bun:test'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readDataFile, replaceFile } from '../../../../core/process/files/data-file.ts'
import { type SmallDisk, smallDisk } from '../../../support/small-disk.ts'

const page = 4_096
let disk: SmallDisk | undefined
afterEach(() => disk?.remove())

for (const freePages of [0, 1, 2])
  test(`a disk with ${freePages} free pages keeps the old text of a file whose new text has three`, () => {
    disk = smallDisk(16 * page)
    if (disk === undefined) return console.warn('NOT TESTED: a full disk needs root, to mount a small file system')
    const [file, ballast] = [join(disk.folder, 'kept.yaml'), join(disk.folder, 'ballast')]
    replaceFile(file, 'old')
    writeFileSync(ballast, Buffer.alloc(freePages * page))
    disk.fill()
    rmSync(ballast)
    expect(() => replaceFile(file, 'x'.repeat(3 * page))).toThrow(/ENOSPC/)
    expect(readFileSync(file, 'utf8')).toBe('old')
    expect(readdirSync(disk.folder).sort()).toEqual(['filler', 'kept.yaml'])
    disk.free()
    replaceFile(file, 'x'.repeat(3 * page))
    expect(readDataFile(file, '', (text) => text.length)).toBe(3 * page)
  })
