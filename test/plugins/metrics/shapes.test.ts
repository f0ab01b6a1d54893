/** Families whose shape changes in a reload. */
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { definePlugin } from '../../../core/contract/definition.ts'
import { z } from '../../../core/plugin.ts'
import { type Collector, collector, type MetricFactory, Metrics } from '../../../plugins/metrics/api.ts'
import metrics from '../../../plugins/metrics/index.ts'
import { testRuntime } from '../../../testing/index.ts'

const shapeSchema = z.strictObject({
  type: z.enum(['counter', 'gauge', 'histogram', 'summary', 'batch']).describe('A type.'),
  labels: z.array(z.enum(['a', 'b'])).describe('Names.'),
  bounds: z.array(z.number()).describe('Buckets or quantiles.'),
  place: z.enum(['setup', 'collector']).describe('Where the family is registered.'),
})
type Shape = z.output<typeof shapeSchema>

/** Registers the family of a shape. @returns counts or sets one */
function register(factory: MetricFactory, { type, labels, bounds }: Shape): () => void {
  const options = { name: type === 'counter' ? 'shaped_total' : 'shaped', help: 'h', labels }
  const values = Object.fromEntries(labels.map((label) => [label, 'x'])) as Record<'a' | 'b', string>
  if (type === 'batch') {
    const { gauge, observe } = factory.batch()
    const family = gauge(options)
    return () => observe(() => family.set(1, values))
  }
  if (type === 'counter') {
    const family = factory.counter(options)
    return () => family.inc(values)
  }
  if (type === 'gauge') {
    const family = factory.gauge(options)
    return () => family.set(values, 1)
  }
  const ofBounds = { ...options, buckets: bounds, quantiles: bounds }
  const family = type === 'histogram' ? factory.histogram(ofBounds) : factory.summary(ofBounds)
  return () => family.observe(values, 1)
}

const shaped = (shape: Shape): Collector => ({
  name: 'shaped',
  setup(factory) {
    const collect = register(factory, shape)
    collect()
    return collect
  },
})

const config = z.strictObject({ shape: shapeSchema.optional().describe('A shape.') })
const shaper = definePlugin({
  ...{ api: 1, name: 'shaper', version: '1.0.0', summary: 'A test.', config, needs: { metrics: Metrics } },
  setup({ config: { shape }, needs }) {
    if (shape?.place === 'setup') return { start: register(needs.metrics, shape) }
    return { contributes: shape ? [collector(shaped(shape))] : [] }
  },
})

const phases = ['setup', 'start', 'ready'] as const
const failing = definePlugin({
  ...{ api: 1, name: 'failing', version: '1.0.0', summary: 'A test.' },
  config: z.strictObject({ phase: z.enum(phases).optional().describe('The phase that fails.') }),
  setup({ config: { phase } }) {
    const at = (now: string) => () => {
      if (now === phase) throw new Error('not now')
    }
    at('setup')()
    return { start: at('start'), ready: at('ready') }
  },
})

/** The lines of the family in the exposition, without their values. */
const shown = (text: string) =>
  text
    .split('\n')
    .flatMap((line) => (/^(# TYPE )?shaped/.test(line) ? [line.replace(/(\}|^shaped\w*) \S+$/, '$1')] : []))

const shapes = fc.record({
  type: fc.constantFrom(...shapeSchema.shape.type.options),
  labels: fc.subarray(['a', 'b'] as const),
  bounds: fc.subarray([0.1, 0.5, 1], { minLength: 1 }),
  place: fc.constantFrom('setup' as const, 'collector' as const),
})
const steps = fc.array(
  fc.record({
    shape: fc.option(shapes, { nil: undefined }),
    refusedIn: fc.option(fc.constantFrom(...phases), { nil: undefined }),
    waits: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
)

test('a family is exposed in its new shape after every reload, and in its old one after a reload that fails', async () => {
  const property = fc.asyncProperty(shapes, steps, async (first, reloads) => {
    const config = (shape: Shape | undefined, phase?: (typeof phases)[number]) => ({
      plugins: { metrics: {}, shaper: shape ? { shape } : {}, failing: phase ? { phase } : {} },
    })
    const fresh = async (shape: Shape | undefined) => {
      await using booted = await testRuntime({ plugins: [metrics, shaper, failing], config: config(shape) })
      return shown(await (await booted.fetch('/metrics')).text())
    }
    await using booted = await testRuntime({ plugins: [metrics, shaper, failing], config: config(first) })
    let present: Shape | undefined = first
    for (const { shape, refusedIn, waits } of reloads) {
      if (waits) await booted.clock.advance(31_000)
      const reloaded = booted.reload(config(shape, refusedIn))
      if (refusedIn) expect(await reloaded.catch(({ code }) => code)).toBe('RELOAD_FAILED')
      else await reloaded
      if (!refusedIn) present = shape
      const { state, reason } = booted.runtime.status().plugins.find(({ name }) => name === 'shaper')!
      expect([state, reason]).toEqual(['ok', ''])
      expect(shown(await (await booted.fetch('/metrics')).text())).toEqual(await fresh(present))
    }
  })
  await fc.assert(property, { numRuns: 20 })
})
