#!/usr/bin/env bun
/** The `arkwatch` command. Exits when its output is out: a plugin that hangs must not hold the process. */
import { runCli } from './program.ts'

// A reader that went away (`arkwatch config | head`) is no fault.
process.stdout.on('error', () => {})
const exitCode = await runCli(process.argv.slice(2))
await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
process.exit(exitCode)
