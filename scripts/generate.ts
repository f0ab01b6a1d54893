#!/usr/bin/env bun
/**
 * Writes config.schema.json, docs/errors.md, docs/surface.txt and the tables of options from the source.
 * `--check` writes nothing, and exits 1 where a file differs.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { documents } from './generate/documents.ts'

const root = join(import.meta.dir, '..')
const isCheck = process.argv.includes('--check')
let stale = 0
for (const [file, wanted] of await documents(root)) {
  const path = join(root, file)
  if (existsSync(path) && readFileSync(path, 'utf8') === wanted) continue
  stale += 1
  if (wanted === undefined) {
    console.error(`missing: ${file}`)
    continue
  }
  console.log(`${isCheck ? 'out of date' : 'wrote'}: ${file}`)
  if (!isCheck) writeFileSync(path, wanted)
}
if (isCheck && stale > 0) {
  console.error('run: npm run generate')
  process.exit(1)
}
