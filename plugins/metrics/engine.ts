/** One instance of metrics: holds the store, and joins collecting, exposing and serving. */
import { Hono } from 'hono'
import {
  type Extensions,
  type Handover,
  type Holder,
  type Logger,
  type PluginClock,
  problemResponse,
  type RequestParts,
  type Runtime,
  type StopReason,
  withDeadline,
} from '../../core/plugin.ts'
import type { Collector, JsonView, Metrics } from './api.ts'
import { CollectorRunner, type Running } from './collector-runner.ts'
import type { MetricsConfig } from './config.ts'
import { metricsError } from './errors.ts'
import { prefersJson } from './exposition/negotiate.ts'
import { createPace } from './exposition/pace.ts'
import { Scraper } from './exposition/scrape.ts'
import type { ExposedSource } from './exposition/write.ts'
import { Application, type Present } from './holders.ts'
import { createRequestMetrics, seedRequestDuration } from './http/request-metrics.ts'
import { OwnListener } from './own-listener.ts'
import { readRegistries } from './prom-registry.ts'
import { activeRequestsCollector, buildInfoCollector, runtimeCollector } from './self-metrics.ts'
import { FamilyOwnership, type Owner } from './storage/ownership.ts'
import { MetricStore } from './storage/store.ts'

/** How long a JSON view may take. */
const viewMs = 5_000

interface MetricsInstanceOptions {
  readonly config: MetricsConfig
  readonly runtime: Runtime
  readonly clock: PluginClock
  readonly log: Logger
  readonly contributed: Extensions<Collector>
  /** The instances of plugins that hold the service. */
  readonly owners: Extensions<Owner>
  /** Answers of clients that accept JSON. */
  readonly views: Extensions<JsonView>
  readonly inherited: unknown
}

/** The state that a successor inherits: every value, and the collectors as they were set up. */
class Inheritance {
  constructor(
    readonly ownership: FamilyOwnership,
    readonly running: ReadonlyMap<Collector, Running>,
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
  readonly #runner: CollectorRunner
  readonly #scraper: Scraper
  readonly #application: Application
  readonly #present: Present
  readonly #listener: OwnListener
  readonly #reported = new Set<string>()
  readonly #runtimeCollector: Collector
  #buildInfo: Collector
  #config: MetricsConfig
  #requests: RequestMetrics | undefined
  #stopListening = () => {}

  constructor(options: MetricsInstanceOptions) {
    const { clock, log, config, inherited, runtime } = options
    this.#options = options
    this.#runtimeCollector = runtimeCollector(runtime)
    this.#buildInfo = buildInfoCollector(config.app)
    this.#config = config
    this.#inherited = inherited instanceof Inheritance ? inherited : undefined
    this.#ownership = this.#inherited?.ownership ?? new FamilyOwnership(new MetricStore(clock), clock)
    this.#runner = new CollectorRunner({ ownership: this.#ownership, clock, log, inherited: this.#inherited?.running })
    this.#scraper = new Scraper({ clock, source: () => this.#source() })
    this.#present = { clock, collect: () => this.#source(), expose: (format) => this.#scraper.expose(format) }
    this.#application = Application.of(runtime, this.#ownership)
    this.#listener = new OwnListener(runtime, (request) => this.#answer(request))
    this.#applyRequests()
  }

  /** The hook that counts requests; the path on the public listener, unless there is a separate listener. */
  requestParts(): RequestParts {
    const hooks = this.#requests && { observe: this.#requests.observe }
    if (this.#config.listen !== undefined) return { hooks, routes: undefined }
    return { hooks, routes: new Hono().get(this.#config.path, ({ req }) => this.#respond(req.raw)) }
  }

  async start(): Promise<void> {
    await this.#listener.apply(this.#config.listen)
    this.#activate()
  }

  #activate(): void {
    const { contributed, owners, clock } = this.#options
    this.#ownership.useClock(clock)
    const problem = this.#application.moveTo(this.#ownership, this.#present)
    if (problem !== undefined) this.#options.log.warn('a metric of the application is left out', { error: problem })
    this.#apply()
    this.#runner.resume()
    const changes = [contributed, owners].map((list) => list.onChange(() => this.#reconcile()))
    this.#stopListening = () => changes.map((stop) => stop())
  }

  async reconfigure(next: MetricsConfig): Promise<RequestParts> {
    await this.#listener.apply(next.listen)
    if (!Bun.deepEquals(next.app, this.#config.app)) this.#buildInfo = buildInfoCollector(next.app)
    this.#config = next
    this.#apply()
    return this.requestParts()
  }

  /** A reload that moved the listener has ended. */
  settled(): Promise<void> {
    return this.#listener.settled()
  }

  handover(): Handover {
    this.#stopListening()
    this.#runner.pause()
    return {
      state: new Inheritance(this.#ownership, this.#runner.running),
      resume: () => this.start(),
    }
  }

  async stop(reason: StopReason): Promise<void> {
    this.#stopListening()
    this.#runner.pause()
    this.#application.leave(this.#present)
    if (reason !== 'shutdown') {
      this.#requests?.release()
      this.#runner.release()
    }
    if (reason === 'failed' && this.#inherited !== undefined) this.#runner.releaseAllBut(this.#inherited.running)
    await this.#listener.stop()
  }

  service(holder: Holder | undefined): Metrics {
    return this.#application.serviceFor(holder, this.#ownership)
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
    const ownership = this.#ownership
    const foreign = await readRegistries(ownership.registries(), {
      ...{ clock, ownerOf: (name) => ownership.ownerOf(name) },
      failed: (metric, reason) => this.#reportForeign(metric, reason),
    })
    // As they are now: a reload during a scrape would show the family of an instance and that of its successor.
    const families = [...ownership.exposed()].filter(({ name }) => shown(name))
    return {
      families: () => families,
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
    this.#ownership.store.defaultMaxSeries = this.#config.maxSeries
    this.#applyRequests()
    this.#reconcile()
  }

  #applyRequests(): void {
    const { enabled, maxSeries } = this.#config.http
    if (enabled && this.#requests?.family.maxSeries !== maxSeries) {
      const owner = this.#ownership.owner()
      const before = this.#requests
      const created = createRequestMetrics(owner.metrics, maxSeries)
      const active = activeRequestsCollector(this.#options.runtime)
      this.#requests = {
        ...created,
        release: () => owner.release(),
        active,
        compatible: seedRequestDuration(created.family),
      }
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
    const holders = new Map(this.#options.owners.all.map(({ value, hold }) => [value, hold]))
    this.#runner.reconcile(made, this.#options.contributed.all, () =>
      this.#ownership.activate(new Set(holders.keys()), (owner, problem) => holders.get(owner)!(problem?.message)),
    )
  }

  /** Answers on the separate listener. */
  #answer(request: Request): Response | Promise<Response> {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (isRead && new URL(request.url).pathname === this.#config.path) return this.#respond(request)
    return new Response('not found\n', { status: 404 })
  }
}
