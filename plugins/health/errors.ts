import { defineErrors } from '../../core/plugin.ts'

export const healthError = defineErrors('health', {
  HEALTH_PACKAGE_MISSING: {
    message: 'package {package} is not installed: bun add {package}',
    help: 'Install the package beside arkwatch and restart the process, or remove the checks that need the package.',
  },
  HEALTH_TIMEOUT: {
    message: 'no answer within {timeoutMs} ms',
    help: 'See whether the target hangs; raise `timeout` of the check if the target is slow by nature.',
  },
  HEALTH_ABANDONED: {
    message: '{count} earlier runs still hang, no further run starts',
    help: 'The check does not end when its signal aborts: fix its run(signal).',
  },
  HEALTH_WATCHDOG_PORT: {
    message: '{problem}',
    help: 'Choose a free port, or stop what holds the port. The watchdog stays where it was.',
  },
})
