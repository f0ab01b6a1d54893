/** The families of collectors whose shape changes in a reload. */
import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { definePlugin } from '../../../core/contract/definition.ts'
import { ArkwatchError, z } from '../../../core/plugin.ts'
import { type Collector, collector, type MetricFactory, Metrics } from '../../../plugins/metrics/api.ts'
import metrics from '../../../plugins/metrics/index.ts'
import { testRuntime } from '../../../testing/index.ts'

const shapeSchema = z.strictObject({
  type: z.enum(['counter', 'gauge', 'histogram', 'summary', 'batch']).describe('A type.'),
  labels: z.array(z.enum(['a', 'b'])).describe('Names.'),
  bounds: z.array(z.number()).describe('Buckets or quantiles.'),
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

const plugin = (name: string, setup: (config: { shape?: Shape | undefined; fails: boolean }) => object) =>
  definePlugin({
    ...{ api: 1, name, version: '1.0.0', summary: 'A test.' },
    config: z.strictObject({
      shape: shapeSchema.optional().describe('A shape.'),
      fails: z.boolean().default(false).describe('Fails in ready.'),
    }),
    setup: ({ config }) => setup(config),
  })

const shaper = plugin('shaper', ({ shape }) => ({ contributes: shape ? [collector(shaped(shape))] : [] }))
const failing = plugin('failing', ({ fails }) => ({
  ready() {
    if (fails) throw new Error('not ready')
  },
}))

/** The lines of the family in the exposition, without their values. */
const shown = (text: string) =>
  text
    .split('\n')
    .flatMap((line) => (/^(# TYPE )?shaped/.test(line) ? [line.replace(/(\}|^shaped\w*) \S+$/, '$1')] : []))

const shapes = fc.record({
  type: fc.constantFrom(...shapeSchema.shape.type.options),
  labels: fc.subarray(['a', 'b'] as const),
  bounds: fc.subarray([0.1, 0.5, 1], { minLength: 1 }),
})
const steps = fc.array(
  fc.record({ shape: fc.option(shapes, { nil: undefined }), isRefused: fc.boolean(), waits: fc.boolean() }),
  { minLength: 1, maxLength: 6 },
)

test('a family is exposed in its new shape after every reload, and in its old one after a reload that fails', async () => {
  const property = fc.asyncProperty(shapes, steps, async (first, reloads) => {
    const config = (shape: Shape | undefined, fails: boolean) => ({
      plugins: { metrics: {}, shaper: shape ? { shape } : {}, failing: { fails } },
    })
    const fresh = async (shape: Shape | undefined) => {
      await using booted = await testRuntime({ plugins: [metrics, shaper, failing], config: config(shape, false) })
      return shown(await (await booted.fetch('/metrics')).text())
    }
    await using booted = await testRuntime({ plugins: [metrics, shaper, failing], config: config(first, false) })
    let present: Shape | undefined = first
    for (const { shape, isRefused, waits } of reloads) {
      if (waits) await booted.clock.advance(31_000)
      const reloaded = booted.reload(config(shape, isRefused))
      if (isRefused) expect(await reloaded.catch(({ code }) => code)).toBe('RELOAD_FAILED')
      else await reloaded
      if (!isRefused) present = shape
      const { state, reason } = booted.runtime.status().plugins.find(({ name }) => name === 'shaper')!
      expect([state, reason]).toEqual(['ok', ''])
      expect(shown(await (await booted.fetch('/metrics')).text())).toEqual(await fresh(present))
    }
  })
  await fc.assert(property, { numRuns: 12 })
})

const pairs = (
  [
    [{ type: 'counter', labels: ['a'] }, { labels: ['b'] }],
    [{ type: 'gauge', labels: [] }, { labels: ['a'] }],
    [{ type: 'histogram', bounds: [1] }, { bounds: [1, 2] }],
    [{ type: 'summary', bounds: [0.5] }, { bounds: [0.9] }],
    [{ type: 'gauge' }, { type: 'histogram' }],
  ] as const
).map(([first, change]) => {
  const shape = { labels: [], bounds: [1], ...first }
  return [shapeSchema.parse(shape), shapeSchema.parse({ ...shape, ...change })] as const
})

test.each(pairs)(
  '%j is not %j in a setup, where the old instance counts, and is in a collector',
  async (first, next) => {
    let count: (() => void) | undefined
    const config = z.strictObject({ shape: shapeSchema.describe('A shape.') })
    const common = { api: 1, name: 'counting', version: '1.0.0', summary: 'A test.', config } as const
    const inSetup = definePlugin({
      ...common,
      needs: { metrics: Metrics },
      setup({ config, needs }) {
        const counting = register(needs.metrics, config.shape)
        const start = () => {
          count = counting
        }
        return { start }
      },
    })
    const inCollector = definePlugin({
      ...common,
      setup({ config }) {
        const setup = (factory: MetricFactory) => {
          count = register(factory, config.shape)
          return () => {}
        }
        return { contributes: [collector({ name: 'counting', setup })] }
      },
    })
    const linesOf = async (plugin: typeof inSetup | typeof inCollector) => {
      const withShape = (shape: Shape) => ({ plugins: { metrics: {}, counting: { shape } } })
      await using booted = await testRuntime({ plugins: [metrics, plugin], config: withShape(first) })
      const lines = async () => {
        count?.()
        return shown(await (await booted.fetch('/metrics')).text())
      }
      const before = await lines()
      const failure = await booted.reload(withShape(next)).then(
        () => undefined,
        (error: Error) => error,
      )
      return { before, after: await lines(), failure }
    }
    const collected = await linesOf(inCollector)
    expect(collected.failure).toBeUndefined()
    expect(collected.after).not.toEqual(collected.before)
    const { before, after, failure } = await linesOf(inSetup)
    expect([after.length > 0, after]).toEqual([true, before])
    const codes: string[] = []
    let cause: unknown = failure
    for (; cause instanceof ArkwatchError; cause = cause.cause) codes.push(cause.code, cause.help)
    expect(codes.slice(-2)).toEqual(['METRICS_NAME_TAKEN', expect.stringContaining('in a collector')])
  },
)
