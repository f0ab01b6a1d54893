import { describe, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOrMakeSecret, readSecretFile } from '../../../../core/process/files/secret-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'arkwatch-secret-'))
const codeOf = (call: () => unknown) => {
  try {
    call()
    return 'ok'
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('a secret is made once, for the owner alone, and read from then on', () => {
  const file = join(folder, 'a')
  expect(readSecretFile(file)).toBeUndefined()
  expect(readOrMakeSecret(file, () => 'first')).toEqual({ text: 'first', made: true })
  expect(readOrMakeSecret(file, () => 'second')).toEqual({ text: 'first', made: false })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).toBe('first\n')
})

test('its folder is made, for the owner alone', () => {
  const file = join(folder, 'new', 'below', 'key')
  expect(readOrMakeSecret(file, () => 'made')).toEqual({ text: 'made', made: true })
  expect(statSync(join(folder, 'new', 'below')).mode & 0o777).toBe(0o700)
})

describe('SECRET_FILE', () => {
  test('where others may read it', () => {
    const file = join(folder, 'open')
    writeFileSync(file, 'x')
    chmodSync(file, 0o640)
    expect(codeOf(() => readSecretFile(file))).toBe('SECRET_FILE')
  })
  test('where it is empty: no new secret takes the place of one that was in use', () => {
    const file = join(folder, 'empty')
    writeFileSync(file, '\n', { mode: 0o600 })
    expect(codeOf(() => readOrMakeSecret(file, () => 'made'))).toBe('SECRET_FILE')
  })
  test('where it is a link or a folder', () => {
    symlinkSync(join(folder, 'a'), join(folder, 'link'))
    mkdirSync(join(folder, 'folder'))
    for (const name of ['link', 'folder']) expect(codeOf(() => readSecretFile(join(folder, name)))).toBe('SECRET_FILE')
  })
  test('where its folder cannot be written', () => {
    expect(codeOf(() => readOrMakeSecret('/proc/arkwatch', () => 'x'))).toBe('SECRET_FILE')
  })
})
