/** Abort signals for code of other plugins. An error of a listener ends the process, unless the listener is guarded. */

/** @param onError receives what a listener throws, or what its promise rejects with @returns the signal */
export function guardListeners(signal: AbortSignal, onError: (error: unknown) => void): AbortSignal {
  const guards = new WeakMap<object, EventListener>()
  const guardOf = (listener: EventListener | EventListenerObject) => {
    const guard = async (event: Event) => {
      try {
        await (typeof listener === 'function' ? listener.call(signal, event) : listener.handleEvent(event))
      } catch (error) {
        onError(error)
      }
    }
    const known = guards.get(listener) ?? guard
    guards.set(listener, known)
    return known
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
