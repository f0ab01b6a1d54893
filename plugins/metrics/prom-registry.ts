/** The registry for prom-client metrics. The only file that uses the package. */
import type { Registry } from '@prometheus-io/client'
import { type Clock, messageOf, withDeadline } from '../../core/plugin.ts'
import type { MetricType } from './api.ts'
import { metricsError } from './errors.ts'
import { namesTaken } from './naming.ts'
import { writtenExemplar } from './storage/exemplar.ts'

/** One metric of the registry at one moment. */
export interface ForeignFamily {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  /** The exemplar is text. */
  readonly samples: readonly {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
    readonly exemplar?: string
  }[]
}

/** A metric as the package returns it. */
interface RawMetric {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly values?: readonly {
    readonly metricName?: string
    readonly labels?: Readonly<Record<string, string | number>>
    readonly sharedLabels?: Readonly<Record<string, string | number>>
    readonly value: number
    readonly exemplar?: {
      readonly labelSet?: Readonly<Record<string, string | number>>
      readonly value: number
      readonly timestamp: number
    } | null
  }[]
}

export interface PromRegistryOptions {
  readonly clock: Clock
  /** The metric of ours that takes up a name. */
  ownerOf(name: string): string | undefined
  /** Called for each metric that could not be read, at each scrape. */
  failed(metric: string, reason: string): void
}

const types: ReadonlySet<string> = new Set(['counter', 'gauge', 'histogram', 'summary'])
/** How long a metric's own `collect` may take, in milliseconds. */
export const collectTimeoutMs = 5_000

const textLabels = (labels: Readonly<Record<string, string | number>>) =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]))

function converted(raw: RawMetric): ForeignFamily {
  const type = (types.has(raw.type) ? raw.type : 'gauge') as MetricType
  const samples = (raw.values ?? []).map(({ metricName, labels = {}, sharedLabels = {}, value, exemplar }) => ({
    name: metricName ?? raw.name,
    labels: textLabels({ ...sharedLabels, ...labels }),
    value,
    ...(exemplar?.labelSet && {
      exemplar: writtenExemplar(Object.entries(textLabels(exemplar.labelSet)), exemplar.value, exemplar.timestamp),
    }),
  }))
  return { name: raw.name, type, help: raw.help, samples }
}

/** A metric of the client library. */
interface Foreign {
  readonly name: string
  get(): Promise<RawMetric>
}

/** Creates the registry at its first use; costs nothing before. */
export class PromRegistry {
  #registry: Registry | undefined

  /** Never the package's global one. */
  get registry(): Registry {
    if (this.#registry === undefined) {
      // a CommonJS package that is slow to load and rarely used
      const client = require('@prometheus-io/client') as typeof import('@prometheus-io/client')
      this.#registry = new client.Registry()
    }
    return this.#registry
  }

  get metrics(): Foreign[] {
    return (this.#registry?.getMetricsAsArray() ?? []) as unknown as Foreign[]
  }
}

/** The samples of all metrics but those that fail, hang or have the name of an earlier one, which are reported. */
export async function readRegistries(
  registries: readonly PromRegistry[],
  { clock, ownerOf, failed }: PromRegistryOptions,
): Promise<ForeignFamily[]> {
  const metrics = registries.flatMap((each) => each.metrics)
  const read = await Promise.allSettled(
    metrics.map(async (metric) => {
      const source = `collect() of the prom-client metric ${metric.name}`
      const late = () => metricsError('METRICS_TIMEOUT', { source, timeoutMs: collectTimeoutMs })
      return converted(await withDeadline(metric.get(), collectTimeoutMs, clock, late))
    }),
  )
  const owners = new Map<string, string>()
  return read.flatMap((result, index) => {
    if (result.status === 'rejected') {
      failed(metrics[index]!.name, messageOf(result.reason))
      return []
    }
    const { name: metric, type } = result.value
    const names = namesTaken(metric, type)
    const sample = names.find((name) => (ownerOf(name) ?? owners.get(name)) !== undefined)
    if (sample !== undefined) {
      const owner = ownerOf(sample) ?? owners.get(sample)
      failed(metric, metricsError('METRICS_NAME_COLLIDES', { metric, sample, owner }).message)
      return []
    }
    for (const name of names) owners.set(name, metric)
    return [result.value]
  })
}
