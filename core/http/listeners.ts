/** The listeners of a runtime: opened with limits, closed without cutting off a request in progress. */
import type { Clock } from '../contract/clock.ts'
import { coreError, messageOf } from '../contract/errors.ts'
import type { Logger } from '../contract/logger.ts'
import type { Listener, ListenOptions } from '../contract/runtime-api.ts'
import { systemClock } from '../process/clock.ts'
import { waitAtMost } from '../process/deadline.ts'
import { portHolder } from './port-holder.ts'
import { problemResponse } from './problem.ts'
import { serveUnix } from './unix-server.ts'

export interface OpenOptions extends ListenOptions {
  /** Bytes; a larger body is 413. */
  readonly maxBodyBytes: number
  /** Characters of scheme, host, path and query; a longer URL is 414. */
  readonly maxUrlLength: number
}

/** A connection without traffic is closed after this; slow answers and event streams end with it, too. */
const idleTimeoutSeconds = 60

const isPort = (port: number) => Number.isInteger(port) && port >= 0 && port <= 65_535

function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown }).code
  if (code === 'EADDRINUSE') return 'the port is in use'
  if (code === 'EACCES') return 'permission denied'
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have the address'
  if (String(code).startsWith('ERR_OSSL')) return `the certificate and its key cannot be used: ${messageOf(error)}`
  return messageOf(error)
}

export function createListeners({ log, clock = systemClock }: { log: Logger; clock?: Clock }) {
  const opened = new Map<Listener, { name: string; port: number }>()
  const draining = new Set<Promise<void>>()
  let cut = new AbortController()

  const serve = ({ host, port, unix, fetch, maxBodyBytes, maxUrlLength, tls, shared }: OpenOptions) => {
    const limits = { maxRequestBodySize: maxBodyBytes, idleTimeout: idleTimeoutSeconds, development: false as const }
    const handlers = {
      fetch(request: Request, server: Bun.Server<unknown>) {
        if (request.url.length <= maxUrlLength) return fetch(request, server)
        return problemResponse({ status: 414, detail: `The URL is longer than ${maxUrlLength} characters.` })
      },
      error(error: Error) {
        log.error('a request handler threw', { error })
        return problemResponse({ status: 500 })
      },
    }
    if (unix !== undefined) return serveUnix(unix, { ...limits, ...handlers })
    // Without `reusePort` and `development`, Bun shares the port with every other program that shares it.
    return Bun.serve({ hostname: host, port, ...(tls && { tls }), ...limits, reusePort: shared ?? false, ...handlers })
  }

  const holderOf = async (port: number): Promise<string | undefined> => {
    const listed = [...opened.values()].find((other) => other.port === port)
    const holder = listed ? `the listener ${listed.name} of this process` : await portHolder(port)
    // A listener that drains is not listed any more.
    const isOwn = listed !== undefined || holder?.endsWith(`, pid ${process.pid}`)
    return isOwn ? `${holder}; a reload opens before it closes: free the port in an earlier reload` : holder
  }

  /** @throws LISTEN_FAILED naming host, port, reason, and the program that holds the port if that is known */
  const open = async (options: OpenOptions): Promise<Listener> => {
    const { name, host, port, unix } = options
    const place = unix === undefined ? { host, port } : { host: 'unix', port: unix }
    const failure = (reason: string, holder: string, cause?: unknown) =>
      coreError('LISTEN_FAILED', { ...place, reason, holder }, cause)
    if (!isPort(port)) throw failure('a port is a whole number from 0 to 65535', '')
    let server: ReturnType<typeof serve>
    try {
      // A shared port is also shared with other programs: the first listener makes sure that the port is free.
      if (options.shared && port !== 0 && ![...opened.values()].some((other) => other.port === port))
        await serve({ ...options, shared: false }).stop(true)
      server = serve(options)
    } catch (error) {
      const holder = (error as { code?: unknown }).code === 'EADDRINUSE' ? await holderOf(port) : undefined
      throw failure(reasonOf(error), holder === undefined ? '' : ` (held by ${holder})`, error)
    }
    let closing: Promise<void> | undefined
    const close = (drainMs = 0) => {
      opened.delete(listener)
      closing ??= drain(server, drainMs)
      return closing
    }
    const shown = host.includes(':') ? `[${host}]` : host
    const url = unix === undefined ? `${options.tls ? 'https' : 'http'}://${shown}:${server.port}` : `unix:${unix}`
    const listener: Listener = { url, close }
    opened.set(listener, { name, port: server.port ?? 0 })
    return listener
  }

  const drain = (server: Bun.Server<unknown>, drainMs: number) => {
    const idle = server.stop(false)
    const waited = drainMs > 0 ? waitAtMost(idle, drainMs, clock, cut.signal) : Promise.resolve()
    const drained = waited.then(() => server.stop(true)).finally(() => draining.delete(drained))
    draining.add(drained)
    return drained
  }

  return {
    open,
    /** The open listeners. */
    list: () => [...opened].map(([{ url }, { name }]) => ({ name, url })),
    /**
     * Closes every listener, also one that drains already.
     * @param drainMs how long requests in progress may take @param now ends the wait
     */
    async close(drainMs: number, now?: AbortSignal) {
      for (const listener of [...opened.keys()]) void listener.close(drainMs)
      const all = Promise.all(draining)
      if (drainMs > 0) await waitAtMost(all, drainMs, clock, now)
      cut.abort()
      cut = new AbortController()
      await all
    },
  }
}
