/** The codes that the command line itself raises. */
import { defineErrors } from '../core/contract/errors.ts'

export const cliError = defineErrors('cli', {
  CLI_USAGE: { message: '{what}', help: 'See `arkwatch help`, or `arkwatch help <command>`.' },
  CLI_FILE_EXISTS: { message: '{file} is there already', help: 'Name another one, or overwrite it with --force.' },
  CLI_FILE_UNWRITABLE: { message: 'cannot write {file}: {reason}', help: 'Check the path and its permissions.' },
  CLI_REMOTE_KEY: {
    message: 'a remote instance wants a key',
    help: 'Put it into the environment variable ARKWATCH_KEY; it is never taken from the command line.',
  },
  CLI_REMOTE_UNREACHABLE: {
    message: 'no Arkwatch answers on {url}: {reason}',
    help: 'Check --url or ARKWATCH_URL; it is the listener that serves /admin.',
  },
  CLI_REMOTE_COMMAND: {
    message: '{command} cannot be asked of a remote instance',
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
