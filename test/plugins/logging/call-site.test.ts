import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { Hono } from 'hono'
import { definePlugin, systemClock, z } from '../../../core/plugin.ts'
import { Logging } from '../../../plugins/logging/api.ts'
import logging from '../../../plugins/logging/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'

test('a line names the place where it was written, wherever in a plugin', async () => {
  const siting = definePlugin({
    ...{ api: 1, name: 'siting', version: '1.0.0', summary: 'Logs everywhere.', config: z.strictObject({}) },
    setup({ log, clock }) {
      const onRequest = () => void log.debug('onRequest')
      log.debug('setup')
      function helper() {
        log.debug('helper')
        return true
      }
      return {
        hooks: { onRequest },
        async start() {
          log.debug('start')
          await systemClock.sleep(0)
          log.debug('start')
          for await (const _ of [1]) log.child('part').debug('start')
          clock.after(1, () => void helper())
          // The frame of a function that ends with the call of the logger is gone.
          clock.after(1, () => log.debug(''))
          clock.after(1, function each() {
            void [1].map(() => log.debug('each'))
          })
        },
        ready: () => void (helper() && log.info('ready')),
      }
    },
  })
  const config = { plugins: { logging: { level: 'trace', callSite: true, console: { enabled: false } } } }
  await using booted = await testRuntime({ plugins: [logging, siting], config })
  const service = booted.runtime.service(Logging)
  await booted.clock.advance(1)
  await booted.runtime.requestPath.wrapHono(new Hono())(new Request('http://localhost/'))
  service.setLevel('p', 'warn')
  const lines = service.recent().map(({ line }) => JSON.parse(line))
  const source = readFileSync(import.meta.path, 'utf8').split('\n')
  const own = lines.filter(({ logger }) => logger.startsWith('siting'))
  expect(own.map(({ message }) => message)).toEqual([
    ...['setup', 'start', 'start', 'start', 'helper', 'ready', 'helper', '', 'each', 'onRequest'],
  ])
  for (const { message, module, function: name, line } of own) {
    if (message === '') expect([module, name, line]).toEqual([undefined, undefined, undefined])
    else {
      expect([module, name]).toEqual(['test/plugins/logging/call-site.test.ts', message])
      expect(source[line - 1]).toContain(`'${message}')`)
    }
  }
  const sited = Object.fromEntries(lines.map(({ logger, module }) => [logger, module]))
  expect(sited).toMatchObject({ logging: 'plugins/logging/levels/level-control.ts' })
})
