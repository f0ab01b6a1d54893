/** The request that the running code serves. Needs a plugin with `context: true`. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestScope } from '../contract/request-hooks.ts'

/** The storage of the process. Only the request path enters it. */
export const requestStorage = new AsyncLocalStorage<RequestScope>()

/** @returns the scope of the current request; undefined outside of a request, or if no plugin has `context: true` */
export const currentRequest = (): RequestScope | undefined => requestStorage.getStore()
