/** Scrapes: a scrape that begins while another is in progress shares its answer. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Clock } from '../../../core/plugin.ts'
import { contentTypes, type Format } from './format.ts'
import { acceptsGzip, formatFor } from './negotiate.ts'
import { createPace, type Pace } from './pace.ts'
import { type ExposedSource, writeText } from './write.ts'

const compress = promisify(gzip)
/** Fast, and within a few percent of the size of the default. */
const gzipLevel = 3

export interface ScraperOptions {
  readonly clock: Pick<Clock, 'monotonic'>
  /** Runs the collectors. */
  source(): Promise<ExposedSource>
}

/** One run of the exposition; compressed at most once. */
interface Run {
  readonly body: Promise<Buffer<ArrayBuffer>>
  zipped: Promise<Buffer<ArrayBuffer>> | undefined
}

/** Copies in blocks: a body of many megabytes takes longer than one block. */
async function joined(pieces: readonly Buffer<ArrayBuffer>[], pace: Pace): Promise<Buffer<ArrayBuffer>> {
  if (pieces.length === 1) return pieces[0]!
  const whole = Buffer.allocUnsafe(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    at += piece.copy(whole, at)
    if (pace.due()) await pace.rest()
  }
  return whole
}

export class Scraper {
  readonly #running = new Map<Format, Run>()
  constructor(private readonly options: ScraperOptions) {}

  /** The exposition as UTF-8. At most one run for each format is in progress. */
  expose(format: Format): Promise<Buffer<ArrayBuffer>> {
    return this.#run(format).body
  }

  /** Answers a scrape by its `Accept` and `Accept-Encoding`. @param gzip whether compression is allowed */
  async respond(request: Request, gzip: boolean): Promise<Response> {
    const format = formatFor(request.headers.get('accept'))
    const headers = new Headers({
      'content-type': contentTypes[format],
      'cache-control': 'no-store',
      vary: 'Accept, Accept-Encoding',
    })
    const run = this.#run(format)
    if (!gzip || !acceptsGzip(request.headers.get('accept-encoding'))) {
      return new Response(await run.body, { headers })
    }
    run.zipped ??= run.body.then((body) => compress(body, { level: gzipLevel }) as Promise<Buffer<ArrayBuffer>>)
    headers.set('content-encoding', 'gzip')
    return new Response(await run.zipped, { headers })
  }

  #run(format: Format): Run {
    const known = this.#running.get(format)
    if (known !== undefined) return known
    const run: Run = { body: this.#write(format), zipped: undefined }
    this.#running.set(format, run)
    const done = () => void this.#running.delete(format)
    run.body.then(done, done)
    return run
  }

  async #write(format: Format): Promise<Buffer<ArrayBuffer>> {
    const source = await this.options.source()
    const pace = createPace(this.options.clock)
    const pieces: Buffer<ArrayBuffer>[] = []
    await writeText(source, format, pace, (text) => pieces.push(Buffer.from(text)))
    return joined(pieces, pace)
  }
}
