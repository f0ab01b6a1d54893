/** Calls of functions that come from elsewhere: from a plugin, an embedder. Pure. */
import { show } from '../redact/redactor.ts'

/**
 * The return type of a function that must be synchronous: anything but a promise, so that the compiler refuses `async`.
 * `void` alone would accept a promise.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without `return` returns void
export type Synchronous = void | null | undefined | { readonly then?: never; valueOf(): unknown }

/** A promise of any realm or library. `instanceof Promise` does not see one of `node:vm`. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'

/** @param call what takes the function, `clock.after` @throws TypeError for what is not a function, such as a result */
export function checkFunction(call: string, given: unknown): void {
  if (typeof given === 'function') return
  disown(given)
  throw new TypeError(`${call} got ${show(given)}: expected a function`)
}

/** Keeps the rejection of a promise that nobody awaits from ending the process. */
export const disown = (value: unknown): void => {
  try {
    if (isThenable(value)) void Promise.resolve(value).catch(() => {})
  } catch {
    // A value that cannot be read is not a promise.
  }
}

/** @param failed receives what `call` throws, or what the promise that it returns rejects with */
export function guarded(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const returned = call()
    if (isThenable(returned)) void Promise.resolve(returned).catch(failed)
  } catch (error) {
    failed(error)
  }
}
