/** The codes that the command line itself raises. */
import { defineErrors } from '../core/contract/errors.ts'

export const cliError = defineErrors('cli', {
  CLI_USAGE: { message: '{what}', help: 'See `arkwatch help`, or `arkwatch help <command>`.' },
  CLI_FILE_EXISTS: { message: '{file} exists already', help: 'Name another file, or overwrite this one with --force.' },
  CLI_FILE_UNWRITABLE: { message: 'cannot write {file}: {reason}', help: 'Check the path and its permissions.' },
  CLI_REMOTE_KEY: {
    message: 'a remote process needs an API key',
    help: 'Set the environment variable ARKWATCH_KEY; a key is never read from the command line.',
  },
  CLI_REMOTE_UNREACHABLE: {
    message: 'no Arkwatch answers on {url}: {reason}',
    help: 'Check --url or ARKWATCH_URL: it must name the listener that serves /admin.',
  },
  CLI_REMOTE_COMMAND: {
    message: '{command} is not available over the admin API',
    help: 'Run it on the machine itself, without --url and ARKWATCH_URL.',
  },
  CLI_LIVE_UNREACHABLE: {
    message: 'nothing answers on {url}: {reason}',
    help: 'Arkwatch is not running, or listens elsewhere: name the address with --url.',
  },
  CLI_NO_LIVE_ADDRESS: {
    message: '{file} names no port on which liveness is served',
    help: 'Set plugins.health.watchdog.port or server.port, or name the address with --url.',
  },
})
