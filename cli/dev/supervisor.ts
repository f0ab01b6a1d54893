/** Keeps one child process running, and replaces it on demand. */
import type { Clock } from '../../core/contract/clock.ts'

/** What the supervisor needs of a process. */
export interface Child {
  readonly exited: Promise<number>
  kill(signal: NodeJS.Signals): void
}

export interface SupervisorOptions {
  readonly spawn: () => Child
  readonly clock: Clock
  /** How long a child may take to stop before it is killed. */
  readonly stopMs: number
  /** The child ended without being asked to. It is started again with the next `restart`. */
  readonly ended: (exitCode: number) => void
}

export interface Supervisor {
  /** Stops the child and starts another; calls meanwhile make one more restart. */
  restart(): Promise<void>
  /** Stops the child for good. @param signal none: somebody else has asked the child already @returns its exit code */
  stop(signal?: NodeJS.Signals): Promise<number>
}

/** Starts the child immediately. */
export function supervise({ spawn, clock, stopMs, ended }: SupervisorOptions): Supervisor {
  let child: Child | undefined
  let lastCode = 0
  let wanted = 0
  let working: Promise<void> | undefined
  let stopping = false

  const start = () => {
    const started = spawn()
    child = started
    started.exited.then((exitCode) => {
      lastCode = exitCode
      if (child !== started) return
      child = undefined
      if (!stopping) ended(exitCode)
    })
  }
  const stopChild = async (signal?: NodeJS.Signals) => {
    const old = child
    if (old === undefined) return
    child = undefined
    if (signal !== undefined) old.kill(signal)
    const cancel = clock.after(stopMs, () => old.kill('SIGKILL'))
    lastCode = await old.exited
    cancel()
  }
  const work = async () => {
    for (let done = 0; done < wanted && !stopping; ) {
      done = wanted
      await stopChild('SIGTERM')
      if (!stopping) start()
    }
    wanted = 0
    working = undefined
  }

  start()
  return {
    restart() {
      wanted += 1
      working ??= work()
      return working
    },
    async stop(signal) {
      stopping = true
      await stopChild(signal)
      await working
      return lastCode
    },
  }
}
