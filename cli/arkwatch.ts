#!/usr/bin/env bun
/** The `arkwatch` command. Exits when its output is out: a plugin that hangs must not hold the process. */
import './early-hangup.ts'
import { flushed } from './cli.ts'
import { runCli } from './program.ts'

// A reader that closed the pipe (`arkwatch config | head`) is not an error.
process.stdout.on('error', () => {})
const exitCode = await runCli(process.argv.slice(2))
await flushed()
process.exit(exitCode)
