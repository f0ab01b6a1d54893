/** The request that the running code works for, where some plugin asked for `context: true`. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { RequestScope } from '../contract/request-hooks.ts'

/** One per process. Entered by the request path only. */
export const requestStorage = new AsyncLocalStorage<RequestScope>()

/** @returns the scope of the request that led here, or undefined: outside of a request, or no plugin asked for it */
export const currentRequest = (): RequestScope | undefined => requestStorage.getStore()
