/** Abort signals for code of other plugins. An error of a listener ends the process, unless the listener is guarded. */
import { guarded } from './calls.ts'

/** @param onError receives what a listener throws, or what its promise rejects with @returns the signal */
export function guardListeners(signal: AbortSignal, onError: (error: unknown) => void): AbortSignal {
  const guards = new WeakMap<object, EventListener>()
  const guardOf = (listener: EventListener | EventListenerObject) => {
    const call = (event: Event) =>
      typeof listener === 'function' ? listener.call(signal, event) : listener.handleEvent(event)
    const guard = guards.get(listener) ?? ((event) => guarded(() => call(event), onError))
    guards.set(listener, guard)
    return guard
  }
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  let onabort: EventListener | null = null
  Object.defineProperty(signal, 'onabort', {
    get: () => onabort,
    set(listener: EventListener | null) {
      if (onabort !== null) remove('abort', guardOf(onabort))
      onabort = typeof listener === 'function' ? listener : null
      if (onabort !== null) add('abort', guardOf(onabort))
    },
  })
  return Object.assign(signal, {
    addEventListener: (...[type, listener, options]: Parameters<typeof add>) => add(type, guardOf(listener), options),
    removeEventListener: (...[type, listener, options]: Parameters<typeof remove>) =>
      remove(type, guardOf(listener), options),
  } as Pick<AbortSignal, 'addEventListener' | 'removeEventListener'>)
}
