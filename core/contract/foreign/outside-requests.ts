/** Work that one request triggers for others: batches, timers, reloads, shared connections. */
import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Calls outside of every request and of every other AsyncLocalStorage: the current request triggers the work and is not
 * the one that the work is for. What awaits the result keeps its own request.
 */
export const outsideRequests: <T>(work: () => T) => T = AsyncLocalStorage.snapshot()
