import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Reads lines until one matches. */
async function waitFor(
  stream: ReadableStream<Uint8Array>,
  pattern: RegExp,
): Promise<{ match: RegExpExecArray; rest: Promise<string> }> {
  const decoder = new TextDecoder()
  const reader = stream.getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`ended without ${pattern}: ${text}`)
    text += decoder.decode(value, { stream: true })
    const match = pattern.exec(text)
    if (match === null) continue
    const rest = (async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) text += decoder.decode(next.value)
      return text
    })()
    return { match, rest }
  }
}

const freePort = () => {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() })
  const { port } = server
  void server.stop(true)
  return port
}

test('the example answers, shows what it exposes, measures its routes, and ends on SIGTERM', async () => {
  const data = mkdtempSync(join(tmpdir(), 'arkwatch-example-'))
  const opsPort = freePort()
  const example = Bun.spawn([process.execPath, join(import.meta.dir, 'server.ts')], {
    env: { ...process.env, PORT: '0', OPS_PORT: String(opsPort), OPS_DATA: data },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  try {
    const { match, rest } = await waitFor(example.stdout, /application on (\S+)\//)
    const [, base] = match
    expect(await (await fetch(`${base}/`)).text()).toBe('Hello World')
    expect(await (await fetch(`${base}/users/7`)).json()).toEqual({ id: '7' })
    expect((await fetch(`${base}/_ops/livez`)).status).toBe(200)
    expect((await fetch(`${base}/_ops/readyz`)).status).toBe(200)
    expect((await fetch(`${base}/_ops/metrics`)).status).toBe(404)
    const metrics = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
    expect(metrics).toContain(
      'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/users/:id",http_response_status_code="200"} 1',
    )
    example.kill('SIGTERM')
    expect(await example.exited).toBe(0)
    expect(await rest).toContain('user looked up')
  } finally {
    example.kill('SIGKILL')
    await example.exited
    rmSync(data, { recursive: true, force: true })
  }
}, 20_000)
