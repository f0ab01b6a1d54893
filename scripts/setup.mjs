/**
 * Installs what is missing: Bun itself by npm, everything else by `bun install --frozen-lockfile`.
 *
 * Runs on Node >= 20 as well as on Bun, needs no dependency, does nothing and says nothing when all is there.
 * `--clean` installs from nothing. `--production` installs what the runtime needs, and Bun beside it in `.bun`.
 */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.arkwatch-setup')
const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.bun

const run = (command, args, cwd = root) => execFileSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })

const versionOf = (bun) => {
  try {
    return execFileSync(bun, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

/** What an installation belongs to: the lock file, the manifest and the machine's kind. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  for (const file of ['bun.lock', 'package.json']) hash.update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** True when the last installation was of these files, and its Bun is the program and not the stub of a blocked script. */
function isInstalled() {
  try {
    const isProgram = statSync(join(modules, 'bun', 'bin', 'bun.exe')).size > 1_000_000
    return isProgram && readFileSync(stampFile, 'utf8') === fingerprint()
  } catch {
    return false
  }
}

/** Makes a package `bun` below `folder` run, where its install script did not. */
function repair(folder) {
  const bun = join(folder, 'node_modules', '.bin', 'bun')
  if (versionOf(bun) !== wanted) run(process.execPath, [join(folder, 'node_modules', 'bun', 'install.js')], folder)
  if (versionOf(bun) !== wanted) throw new Error(`bun ${wanted} does not run from ${bun}`)
  return bun
}

/** Bun by npm, in a folder of its own: npm would install the whole project otherwise, without reading bun.lock. */
function bunByNpm() {
  const folder = join(root, '.bun')
  const bun = join(folder, 'node_modules', '.bin', 'bun')
  if (versionOf(bun) === wanted) return bun
  mkdirSync(folder, { recursive: true })
  const manifest = { private: true, dependencies: { bun: wanted }, allowScripts: { bun: true } }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  console.log(`installing bun ${wanted} with npm`)
  run(
    'npm',
    ['install', '--prefix', folder, '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'],
    folder,
  )
  return repair(folder)
}

/** The Bun that installs: the one that runs this, else one on PATH, if of the wanted version; else npm brings it. */
function findBun() {
  if (process.versions.bun === wanted) return process.execPath
  return versionOf('bun') === wanted ? 'bun' : bunByNpm()
}

try {
  if (process.argv.includes('--clean')) rmSync(modules, { recursive: true, force: true })
  if (process.argv.includes('--production')) {
    run(bunByNpm(), ['install', '--frozen-lockfile', '--production'])
  } else if (!isInstalled()) {
    run(findBun(), ['install', '--frozen-lockfile'])
    repair(root)
    writeFileSync(stampFile, fingerprint())
  }
} catch (thrown) {
  console.error(`setup failed: ${thrown.message}`)
  console.error('It needs either Node >= 20 with npm, or Bun, and a package registry. Run it again: npm run setup')
  process.exit(1)
}
