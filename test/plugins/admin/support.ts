/** A runtime with the admin API, and keys of every role. */
import type { Clock } from '../../../core/contract/clock.ts'
import type { PluginContext } from '../../../core/contract/definition.ts'
import { systemClock } from '../../../core/process/clock.ts'
import type { Role } from '../../../plugins/admin/api.ts'
import type { Document } from '../../../plugins/admin/http/document.ts'
import admin from '../../../plugins/admin/index.ts'
import audit from '../../../plugins/audit/index.ts'
import health from '../../../plugins/health/index.ts'
import host from '../../../plugins/host/index.ts'
import logging from '../../../plugins/logging/index.ts'
import metrics from '../../../plugins/metrics/index.ts'
import store from '../../../plugins/store/index.ts'
import { testRuntime } from '../../../testing/test-runtime.ts'
import { Contract } from './contract.ts'

export type { PluginContext }
export const adminKey = 'Kx7-correct-horse-battery-staple-9'
export const providers = [logging, metrics, host, health, store, audit]

type SendInit = RequestInit & { key?: string | null; json?: unknown }

export interface AdminSetup {
  /** The section of the plugin. */
  readonly admin?: Readonly<Record<string, unknown>>
  readonly plugins?: readonly unknown[]
  readonly config?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly clock?: Clock
}

/** Boots in real time, since threads and files take part. */
export async function bootAdmin({
  admin: section = {},
  plugins = [],
  config = {},
  env,
  clock = systemClock,
}: AdminSetup = {}) {
  const { plugins: sections, ...rest } = config as { plugins?: Record<string, unknown> }
  const booted = await testRuntime({
    clock,
    plugins: [...providers, admin, ...plugins],
    config: {
      server: { port: 0 },
      ...rest,
      plugins: {
        logging: { console: { enabled: false } },
        health: {},
        admin: { apiKey: adminKey, rateLimit: { requests: 1_000_000 }, ...section },
        ...sections,
      },
    },
    ...(env && { env }),
  })
  let contract: Promise<Contract> | undefined
  const violations = new Set<string>()
  const url = booted.runtime.status().listeners.find(({ name }) => name === 'server')?.url ?? ''
  /** Sends a request over a real socket, with the admin's key unless told otherwise. */
  const send = async (path: string, init: SendInit = {}) => {
    const response = await sendOnly(path, init)
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    if (contract !== undefined && !isStream) await check(path, init, response.clone() as never)
    return response
  }
  const check = async (path: string, init: SendInit, response: Pick<Response, 'status' | 'headers' | 'text'>) => {
    const { pathname } = new URL(`${url}${path}`)
    const method = init.method ?? (init.json === undefined ? 'GET' : 'POST')
    const type = response.headers.get('content-type') ?? ''
    const answer = { method, path: pathname, status: response.status, type, text: await response.text() }
    const problem = (await contract!).problemOf(answer)
    if (problem !== undefined) violations.add(problem)
  }
  /** From now on every answer is checked against the document of now. */
  const underContract = async () => {
    const document = (await (await sendOnly('/admin/openapi.json')).json()) as Document
    contract = Promise.resolve(new Contract(document))
    return contract
  }
  const sendOnly = (path: string, init: SendInit = {}) => {
    const { key = adminKey, json, headers, ...others } = init
    return fetch(`${url}${path}`, {
      redirect: 'manual',
      ...others,
      ...(json !== undefined && { body: JSON.stringify(json), method: others.method ?? 'POST' }),
      headers: {
        ...(key !== null && { 'x-admin-key': key }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(headers as Record<string, string>),
      },
    })
  }
  const get = async (path: string, init?: Parameters<typeof send>[1]) => {
    const response = await send(path, init)
    return (await response.json()) as Record<string, never>
  }
  const codeOf = async (path: string, init?: Parameters<typeof send>[1]) => {
    const response = await send(path, init)
    const body = response.headers.get('content-type')?.includes('json')
      ? ((await response.json()) as { code?: string })
      : {}
    return [response.status, body.code]
  }
  /** Makes a key. */
  const keyOf = async (role: Role, more = {}): Promise<string> =>
    (await get('/admin/keys', { json: { name: `${role}-${Math.random().toString(36).slice(2)}`, role, ...more } })).key!
  return {
    ...booted,
    url,
    send,
    get,
    codeOf,
    keyOf,
    underContract,
    violations,
    [Symbol.asyncDispose]: () => booted.stop().then(() => {}),
  }
}
export type AdminRuntime = Awaited<ReturnType<typeof bootAdmin>>
