/**
 * One instance of metrics: holds the store, and joins collecting, exposing and serving.
 * Over 250 lines while it keeps the collectors of the host.
 */
import { Hono } from 'hono'
import {
  type EventLoop,
  type Extensions,
  type Handover,
  type Listener,
  type Logger,
  type PluginClock,
  problemResponse,
  type RequestParts,
  type Runtime,
  type StopReason,
  type Workers,
} from '../../core/plugin.ts'
import type { Collector, JsonView, MetricFactory, Metrics } from './api.ts'
import { CollectorRunner, type Running } from './collector-runner.ts'
import { hostCollectors, processCollectors } from './collectors/index.ts'
import type { MetricsConfig } from './config.ts'
import { forgetText } from './exposition/format.ts'
import { prefersJson } from './exposition/negotiate.ts'
import { createPace } from './exposition/pace.ts'
import { Scraper } from './exposition/scrape.ts'
import { Reader, type ReaderSource } from './exposition/series-reader.ts'
import { type ExposedSource, visitAll } from './exposition/write.ts'
import { seedRequestDuration } from './http/compatibility.ts'
import { createRequestMetrics } from './http/request-metrics.ts'
import { PromRegistry } from './prom-registry.ts'
import { activeRequestsCollector, buildInfoCollector, runtimeCollector } from './self-metrics.ts'
import { FamilyOwnership } from './storage/ownership.ts'
import { type AnyFamily, MetricStore } from './storage/store.ts'

export interface MetricsInstanceOptions {
  readonly config: MetricsConfig
  readonly runtime: Runtime
  readonly eventLoop: EventLoop
  readonly clock: PluginClock
  readonly log: Logger
  readonly workers: Workers
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

interface Owned {
  readonly config: unknown
  readonly collectors: readonly Collector[]
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
  /** Own collectors by the part of the configuration that made them: a change of another part keeps them. */
  readonly #own = new Map<string, Owned>()
  #config: MetricsConfig
  #requests: (ReturnType<typeof createRequestMetrics> & { readonly release: () => void }) | undefined
  #listener: Listener | undefined
  #stopListening = () => {}
  readonly service: Metrics

  constructor(options: MetricsInstanceOptions) {
    const { clock, log, config, inherited } = options
    this.#options = options
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
      visit: async (visit) => {
        const source = await this.#source()
        await visitAll(source, createPace(this.#options.clock), visit)
      },
      reader: (callbacks) => new Reader(() => this.#readerSource.current, callbacks),
      expose: async (format = 'prometheus') => (await this.#scraper.expose(format)).toString(),
      get registry() {
        return prom.registry
      },
    }
  }

  #respond(request: Request): Promise<Response> {
    const view = prefersJson(request.headers.get('accept')) ? this.#options.views.all.at(-1) : undefined
    if (view !== undefined) {
      const headers = { 'cache-control': 'no-store', vary: 'Accept, Accept-Encoding' }
      const answer = async () => Response.json(await view.value.render(), { headers })
      return answer().catch((error) => {
        view.fault(error)
        return problemResponse({ status: 500, title: 'Internal server error' })
      })
    }
    return this.#scraper.respond(request, this.#config.gzip)
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
      this.#requests = { ...createRequestMetrics(metrics, maxSeries), release }
      before?.release()
      this.#own.delete('compatibility')
    } else if (!enabled) {
      this.#requests?.release()
      this.#requests = undefined
    }
  }

  #reconcile(): void {
    const { runtime, eventLoop, clock, workers, contributed } = this.#options
    const { host, process, app, compatibility } = this.#config
    const requests = this.#requests
    const wanted = [
      this.#ownFor('runtime', true, () => [runtimeCollector(runtime)]),
      this.#ownFor('app', { app }, () => [buildInfoCollector(app)]),
      this.#ownFor('host', host, () => hostCollectors({ config: host, clock, workers })),
      this.#ownFor('process', process, () => processCollectors({ eventLoop, everyMs: process.every })),
      ...(requests === undefined ? [] : [this.#ownFor('http', true, () => [activeRequestsCollector(runtime)])]),
      ...(requests === undefined || !compatibility
        ? []
        : [this.#ownFor('compatibility', true, () => [seedRequestDuration(requests.family)])]),
    ]
    this.#runner.reconcile(wanted.flat(), contributed.all)
  }

  /** The collectors of a part of the configuration, the same ones until that part changes. */
  #ownFor(part: string, config: unknown, create: () => readonly Collector[]): readonly Collector[] {
    const known = this.#own.get(part)
    if (known !== undefined && Bun.deepEquals(known.config, config)) return known.collectors
    const owned = { config, collectors: create() }
    this.#own.set(part, owned)
    return owned.collectors
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
