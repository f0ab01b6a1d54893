import { defineErrors } from '../../core/plugin.ts'

export const redisError = defineErrors('redis', {
  REDIS_UNAVAILABLE: {
    status: 503,
    message: 'redis is not available: {reason}',
    help: 'See the check `redis.shared` in /health/comprehensive; the plugin reconnects by itself.',
  },
  REDIS_TIMEOUT: {
    status: 503,
    message: 'redis did not answer {command} within {timeoutMs} ms',
    help: 'See whether the server hangs or the command is slow by nature; raise `plugins.redis.commandTimeout` only then.',
  },
  REDIS_QUEUE_FULL: {
    status: 503,
    message: 'redis has {limit} commands already waiting for a connection',
    help: 'The server is away or too slow for the load. Send fewer commands, or raise `plugins.redis.maxQueue`.',
  },
  REDIS_COMMAND_FAILED: {
    message: 'redis refused {command}: {reason}',
    help: 'See the reason that the server gave.',
  },
  REDIS_PACKAGE_MISSING: {
    message: 'package ioredis is not installed: bun add ioredis',
    help: 'Install the package beside arkwatch and restart the process, or take the section `redis` out of config.yaml.',
  },
})
