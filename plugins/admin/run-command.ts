/** Runs a configured command: an argument vector, no shell, a time limit, bounded output that clients never see. */
import type { Clock } from '../../core/plugin.ts'
import { adminError } from './errors.ts'

export interface ServiceCommand {
  readonly command: readonly string[]
  /** Milliseconds. */
  readonly timeout: number
}

const keptBytes = 4_096

async function tail(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) text = (text + decoder.decode(chunk, { stream: true })).slice(-keptBytes)
  return text
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
    child = Bun.spawn([...command], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } })
  } catch (error) {
    throw failed('cannot be started', error)
  }
  let late = false
  const cancel = clock.after(timeout, () => {
    late = true
    child.kill('SIGKILL')
  })
  const output = Promise.all([tail(child.stdout), tail(child.stderr)])
  const code = await child.exited
  cancel()
  log((await output).join(''))
  if (late) throw failed(`did not end within ${timeout} ms and was killed`)
  if (code !== 0) throw failed(`ended with ${code ?? child.signalCode}`)
  return Math.round(clock.monotonic() - startedMs)
}
