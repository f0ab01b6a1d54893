/**
 * One process that holds the baseline and one variant, and lets them answer in turn.
 *
 *   bun arena.ts BASELINE VARIANT hello|realistic REQUESTS_PER_SEGMENT WARM_UP_SEGMENTS SEGMENTS
 *
 * Prints its URL, then, when all segments are done, one line of JSON.
 */
import type { Segment } from './duel.ts'
import { openRoutes, type RouteKind } from './routes.ts'
import type { Fetch, Variant } from './variant.ts'
import { variants } from './variants.ts'

const [baseline, name, kind, perSegment, warmUp, count] = process.argv.slice(2)
const requestsPerSegment = Number(perSegment)
const variantOf = (name: string | undefined): Variant => {
  const found = variants.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`no such variant: ${name}`)
  return found
}

const routes = await openRoutes(kind as RouteKind)
const base: Fetch = await variantOf(baseline).open(routes.app)
const other: Fetch = await variantOf(name).open(routes.app)

const microseconds = ({ user, system }: NodeJS.CpuUsage) => user + system
// The process first: it brings the thread's account up to date, too.
const cpu = () => ({ process: microseconds(process.cpuUsage()), thread: microseconds(process.threadCpuUsage()) })

const segments: Segment[] = []
let answering = base
let left = requestsPerSegment
let skip = Number(warmUp)
let before = cpu()

async function finish(): Promise<void> {
  console.log(JSON.stringify({ segments, rssBytes: process.memoryUsage.rss() }))
  // Requests that are under way still want what is closed then.
  await server.stop(true)
  await Bun.sleep(100)
  await routes.close()
  process.exit(0)
}

function swap(): void {
  const now = cpu()
  if (skip > 0) skip -= 1
  else if (segments.length < Number(count)) {
    segments.push({
      bare: answering === base,
      processUs: (now.process - before.process) / requestsPerSegment,
      threadUs: (now.thread - before.thread) / requestsPerSegment,
    })
    if (segments.length === Number(count)) void finish()
  }
  answering = answering === base ? other : base
  left = requestsPerSegment - 1
  before = cpu()
}

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, self) {
    left -= 1
    if (left < 0) swap()
    return answering(request, self as never) as Response
  },
})
console.log(`http://127.0.0.1:${server.port}${routes.path}`)
