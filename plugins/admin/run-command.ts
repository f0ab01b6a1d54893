/** Runs a configured command: an argument vector, no shell, a time limit, bounded output that clients never see. */
import { type Clock, withDeadline } from '../../core/plugin.ts'
import { adminError } from './errors.ts'

export interface ServiceCommand {
  readonly command: readonly string[]
  /** Milliseconds. */
  readonly timeout: number
}

const keptBytes = 4_096
/** How long output is read after the end of the command: a daemon that the command started may keep the pipes. */
const outputMs = 250

/** Reads into `text`, until `stop`. */
function tail(stream: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder()
  const reader = stream.getReader()
  const read = async (): Promise<void> => {
    const { done, value } = await reader.read()
    if (done) return
    output.text = (output.text + decoder.decode(value, { stream: true })).slice(-keptBytes)
    return read()
  }
  const output = { text: '', ended: Promise.resolve(), stop: () => reader.cancel().catch(() => {}) }
  output.ended = read().catch(() => {})
  return output
}

/** @returns milliseconds that it took @throws ADMIN_COMMAND_FAILED */
export async function runCommand(
  service: string,
  { command, timeout }: ServiceCommand,
  clock: Clock,
  log: (output: string) => void,
): Promise<number> {
  const failed = (what: string, cause?: unknown) => adminError('ADMIN_COMMAND_FAILED', { service, what }, cause)
  const startedMs = clock.monotonic()
  let child: Bun.Subprocess<'ignore', 'pipe', 'pipe'>
  try {
    // A group of its own, so that the time limit also ends what the command started.
    const group = { detached: true, env: { PATH: process.env.PATH } }
    child = Bun.spawn([...command], { stdio: ['ignore', 'pipe', 'pipe'], ...group })
  } catch (error) {
    throw failed('cannot be started', error)
  }
  let late = false
  const cancel = clock.after(timeout, () => {
    late = true
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      child.kill('SIGKILL')
    }
  })
  const outputs = [tail(child.stdout), tail(child.stderr)]
  const code = await child.exited
  cancel()
  const read = Promise.all(outputs.map(({ ended }) => ended))
  await withDeadline(read, outputMs, clock, () => new Error('the output has not ended')).catch(() => {})
  for (const { stop } of outputs) void stop()
  log(outputs.map(({ text }) => text).join(''))
  if (late) throw failed(`did not end within ${timeout} ms and was killed`)
  if (code !== 0) throw failed(`ended with ${code ?? child.signalCode}`)
  return Math.round(clock.monotonic() - startedMs)
}
