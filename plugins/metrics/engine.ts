/** One instance of metrics: holds the store, and joins collecting, exposing and serving. */
import { Hono } from 'hono'
import {
  type Extensions,
  type Handover,
  type Listener,
  type Logger,
  type PluginClock,
  problemResponse,
  type RequestParts,
  type Runtime,
  type StopReason,
  withDeadline,
} from '../../core/plugin.ts'
import type { Collector, JsonView, MetricFactory, Metrics } from './api.ts'
import { CollectorRunner, type Running } from './collector-runner.ts'
import type { MetricsConfig } from './config.ts'
import { metricsError } from './errors.ts'
import { forgetText } from './exposition/format.ts'
import { prefersJson } from './exposition/negotiate.ts'
import { createPace } from './exposition/pace.ts'
import { Scraper } from './exposition/scrape.ts'
import { Reader, type ReaderSource } from './exposition/series-reader.ts'
import { type ExposedSource, visitAll } from './exposition/write.ts'
import { createRequestMetrics, seedRequestDuration } from './http/request-metrics.ts'
import { PromRegistry } from './prom-registry.ts'
import { activeRequestsCollector, buildInfoCollector, runtimeCollector } from './self-metrics.ts'
import { FamilyOwnership } from './storage/ownership.ts'
import { type AnyFamily, MetricStore } from './storage/store.ts'

/** How long a JSON view may take. */
const viewMs = 5_000

interface MetricsInstanceOptions {
  readonly config: MetricsConfig
  readonly runtime: Runtime
  readonly clock: PluginClock
  readonly log: Logger
  readonly contributed: Extensions<Collector>
  /** Answers of clients that accept JSON. */
  readonly views: Extensions<JsonView>
  readonly inherited: unknown
}

/** The state that a successor inherits: every value, and the collectors as they were set up. */
class Inheritance {
  constructor(
    readonly ownership: FamilyOwnership,
    readonly prom: PromRegistry,
    readonly running: ReadonlyMap<Collector, Running>,
    readonly readerSource: { current: ReaderSource },
  ) {}
}

type RequestMetrics = ReturnType<typeof createRequestMetrics> & {
  readonly release: () => void
  readonly active: Collector
  readonly compatible: Collector
}

export class MetricsInstance {
  readonly #options: MetricsInstanceOptions
  readonly #inherited: Inheritance | undefined
  readonly #ownership: FamilyOwnership
  readonly #prom: PromRegistry
  readonly #runner: CollectorRunner
  readonly #scraper: Scraper
  /** Shared with a successor, so that readers go on there. */
  readonly #readerSource: { current: ReaderSource }
  readonly #ownSource: ReaderSource
  readonly #reported = new Set<string>()
  readonly #runtimeCollector: Collector
  #buildInfo: Collector
  #config: MetricsConfig
  #requests: RequestMetrics | undefined
  #listener: Listener | undefined
  #stopListening = () => {}
  readonly service: Metrics

  constructor(options: MetricsInstanceOptions) {
    const { clock, log, config, inherited, runtime } = options
    this.#options = options
    this.#runtimeCollector = runtimeCollector(runtime)
    this.#buildInfo = buildInfoCollector(config.app)
    this.#config = config
    this.#inherited = inherited instanceof Inheritance ? inherited : undefined
    this.#ownership = this.#inherited?.ownership ?? new FamilyOwnership(new MetricStore(clock), clock)
    this.#prom = this.#inherited?.prom ?? new PromRegistry()
    this.#runner = new CollectorRunner({ ownership: this.#ownership, clock, log, inherited: this.#inherited?.running })
    this.#scraper = new Scraper({ clock, source: () => this.#source() })
    this.#ownSource = { clock, collect: () => this.#source() }
    this.#readerSource = this.#inherited?.readerSource ?? { current: this.#ownSource }
    this.service = this.#createService()
    this.#applyRequests()
  }

  /** The hook that counts requests; the path on the public listener, unless there is a separate listener. */
  requestParts(): RequestParts {
    const hooks = this.#requests && { observe: this.#requests.observe }
    if (this.#config.listen !== undefined) return { hooks, routes: undefined }
    return { hooks, routes: new Hono().get(this.#config.path, ({ req }) => this.#respond(req.raw)) }
  }

  async start(): Promise<void> {
    await this.#listen(this.#config)
    this.#activate()
    this.#stopListening = this.#options.contributed.onChange(() => this.#reconcile())
  }

  #activate(): void {
    this.#ownership.useClock(this.#options.clock)
    this.#readerSource.current = this.#ownSource
    this.#apply()
    this.#runner.resume()
  }

  async reconfigure(next: MetricsConfig): Promise<RequestParts> {
    await this.#listen(next)
    if (!Bun.deepEquals(next.app, this.#config.app)) this.#buildInfo = buildInfoCollector(next.app)
    this.#config = next
    this.#apply()
    return this.requestParts()
  }

  async handover(): Promise<Handover> {
    this.#runner.pause()
    await this.#close()
    return {
      state: new Inheritance(this.#ownership, this.#prom, this.#runner.running, this.#readerSource),
      resume: async () => {
        await this.#listen(this.#config)
        this.#activate()
      },
    }
  }

  async stop(reason: StopReason): Promise<void> {
    this.#stopListening()
    this.#runner.pause()
    if (reason !== 'shutdown') this.#requests?.release()
    if (reason === 'failed' && this.#inherited !== undefined) this.#runner.releaseAllBut(this.#inherited.running)
    await this.#close()
  }

  #createService(): Metrics {
    const metrics: MetricFactory = this.#ownership.factory().metrics
    const prom = this.#prom
    return {
      ...metrics,
      visit: async (visit) => visitAll(await this.#source(), createPace(this.#options.clock), visit),
      reader: (callbacks) => new Reader(() => this.#readerSource.current, callbacks),
      expose: async (format = 'prometheus') => (await this.#scraper.expose(format)).toString(),
      get registry() {
        return prom.registry
      },
    }
  }

  async #respond(request: Request): Promise<Response> {
    const view = prefersJson(request.headers.get('accept')) ? this.#options.views.all.at(-1) : undefined
    if (view === undefined) return this.#scraper.respond(request, this.#config.gzip)
    const late = () => metricsError('METRICS_TIMEOUT', { source: 'the JSON view', timeoutMs: viewMs })
    try {
      const rendered = await withDeadline(view.value.render(), viewMs, this.#options.clock, late)
      return Response.json(rendered, { headers: { 'cache-control': 'no-store', vary: 'Accept, Accept-Encoding' } })
    } catch (error) {
      view.fault(error)
      return problemResponse({ status: 500, title: 'Internal server error' })
    }
  }

  async #source(): Promise<ExposedSource> {
    const { deny, labels, created } = this.#config
    const { clock, runtime } = this.#options
    runtime.flushRequests()
    const shown = (name: string) => !deny.some((prefix) => name.startsWith(prefix))
    await this.#runner.collect(createPace(clock))
    const foreign = await this.#prom.read({
      clock,
      ownerOf: (name) => this.#ownership.store.ownerOf(name),
      failed: (metric, reason) => this.#reportForeign(metric, reason),
    })
    const { store } = this.#ownership
    const waits = (name: string) => this.#ownership.isWaiting(name)
    return {
      *families(): IterableIterator<AnyFamily> {
        for (const family of store.families()) if (shown(family.name) && !waits(family.name)) yield family
      },
      foreign: foreign.filter(({ name }) => shown(name)),
      common: labels,
      created,
    }
  }

  /** Counts each failure, logs the first one of a metric. */
  #reportForeign(metric: string, reason: string): void {
    this.#runner.failed('metrics.prom_client')
    if (this.#reported.has(metric) || this.#reported.size >= 1_000) return
    this.#reported.add(metric)
    this.#options.log.warn('prom-client metric left out', { metric, reason })
  }

  #apply(): void {
    const { store } = this.#ownership
    store.defaultMaxSeries = this.#config.maxSeries
    forgetText(store.families())
    this.#applyRequests()
    this.#reconcile()
  }

  #applyRequests(): void {
    const { enabled, maxSeries } = this.#config.http
    if (enabled && this.#requests?.family.maxSeries !== maxSeries) {
      const { metrics, release } = this.#ownership.factory()
      const before = this.#requests
      const created = createRequestMetrics(metrics, maxSeries)
      const active = activeRequestsCollector(this.#options.runtime)
      this.#requests = { ...created, release, active, compatible: seedRequestDuration(created.family) }
      before?.release()
    } else if (!enabled) {
      this.#requests?.release()
      this.#requests = undefined
    }
  }

  #reconcile(): void {
    const { active, compatible } = this.#requests ?? {}
    const own = [this.#runtimeCollector, this.#buildInfo, active, this.#config.compatibility && compatible]
    const made = own.filter((each) => typeof each === 'object')
    this.#runner.reconcile(made, this.#options.contributed.all)
  }

  /** Opens the listener that the configuration wants, then closes the old one. @throws LISTEN_FAILED */
  async #listen({ listen }: MetricsConfig): Promise<void> {
    const before = this.#listener
    if (before !== undefined && Bun.deepEquals(listen, this.#config.listen)) return
    const fetch = (request: Request) =>
      new URL(request.url).pathname === this.#config.path && (request.method === 'GET' || request.method === 'HEAD')
        ? this.#respond(request)
        : new Response('not found\n', { status: 404 })
    this.#listener = listen && (await this.#options.runtime.listen({ name: 'metrics', ...listen, fetch }))
    await before?.close()
  }

  async #close(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    await listener?.close()
  }
}
