/** Threads that ask statfs(2): a call that hangs holds its own thread and no other work. */
import { Worker } from 'node:worker_threads'
import type { Clock } from '../../contract/clock.ts'
import { coreError } from '../../contract/errors.ts'
import { systemClock } from '../clock.ts'
import { answerWithinMs, type StatFs } from './mounts.ts'

/** As many calls may hang. */
const maxThreads = 4
const maxWaiting = 1_000
type Ask = PromiseWithResolvers<StatFs> & { readonly path: string }
type Answer = { readonly stat: StatFs } | { readonly error: unknown }
/** A worker thread that runs thread.ts. */
export type Thread = Pick<Worker, 'on' | 'postMessage' | 'unref'>

const startThread = (): Thread => new Worker(new URL('./thread.ts', import.meta.url), { name: 'statfs' })

export class StatFsThreads {
  readonly #waiting: Ask[] = []
  /** The threads that work, with the time of their current call. */
  readonly #busy = new Map<Thread, number>()
  #idle: { call(): void; end(): void } | undefined

  constructor(
    private readonly start = startThread,
    private readonly clock: Pick<Clock, 'monotonic'> = systemClock,
  ) {}

  /** @throws FILE_SYSTEM_HANGS where every thread hangs */
  async ask(path: string): Promise<StatFs> {
    const lateMs = this.clock.monotonic() - answerWithinMs
    const hung = [...this.#busy.values()].filter((sinceMs) => sinceMs <= lateMs).length
    if (hung === maxThreads || this.#waiting.length >= maxWaiting) {
      const reason = `is not asked: ${hung} calls of other file systems hang, and ${this.#waiting.length} wait`
      throw coreError('FILE_SYSTEM_HANGS', { path, reason })
    }
    const ask = { path, ...Promise.withResolvers<StatFs>() }
    this.#waiting.push(ask)
    if (this.#idle !== undefined) this.#idle.call()
    else if (this.#busy.size < maxThreads) this.#add()
    return ask.promise
  }

  /**
   * Ends the thread that waits for a path. One that hangs ends itself after its call: `terminate()` of a thread in a
   * system call that no signal interrupts stops the whole process.
   */
  end(): void {
    this.#idle?.end()
    this.#idle = undefined
  }

  #add(): void {
    const thread = this.start()
    let ask: Ask | undefined
    const call = () => {
      ask = this.#waiting.shift()
      if (ask === undefined) {
        this.#busy.delete(thread)
        if (this.#idle === undefined) this.#idle = { call, end }
        else end()
        return
      }
      if (this.#idle?.call === call) this.#idle = undefined
      this.#busy.set(thread, this.clock.monotonic())
      thread.postMessage(ask.path)
    }
    const end = () => thread.postMessage(null)
    let reason: unknown
    this.#busy.set(thread, this.clock.monotonic())
    thread.on('message', (answer: Answer | 'ready') => {
      if (answer !== 'ready') 'stat' in answer ? ask?.resolve(answer.stat) : ask?.reject(answer.error)
      call()
    })
    thread.on('error', (error) => {
      reason = error
    })
    thread.on('exit', () => {
      if (!this.#busy.delete(thread)) return
      ask ??= this.#waiting.shift()
      ask?.reject(reason)
      if (this.#waiting.length > 0) this.#add()
    })
    thread.unref()
  }
}
