/** The items of a stream of a dedicated worker, which come in batches on demand. */
import type { Failure } from '../contract/tasks.ts'
import type { Answer } from './serve-requests.ts'

export type Outcome = Exclude<Answer, { readonly failure: Failure }> | { readonly error: unknown }

interface Opened {
  /** Ends the request. @param cancel whether the thread ends its work */
  close(cancel: boolean): void
  /** Asks for the next batch. */
  more(): void
}

/** @param open sends the request and passes its outcomes to `settle` */
export function readStream<Item>(
  open: (settle: (outcome: Outcome) => void) => Opened,
): AsyncGenerator<Item, void, void> {
  const outcomes: Outcome[] = []
  let arrived = Promise.withResolvers<void>()
  const settle = (outcome: Outcome) => {
    outcomes.push(outcome)
    arrived.resolve()
  }
  let leave = () => {}
  async function* read(): AsyncGenerator<Item, void, void> {
    const { close, more } = open(settle)
    leave = () => close(true)
    try {
      for (;;) {
        await arrived.promise
        arrived = Promise.withResolvers()
        for (let outcome = outcomes.shift(); outcome !== undefined; outcome = outcomes.shift()) {
          if ('error' in outcome) throw outcome.error
          if (!('items' in outcome)) return
          // The thread prepares the next batch while the caller works on this one.
          more()
          for (const item of outcome.items) yield item as Item
        }
      }
    } finally {
      close(true)
    }
  }
  const items = read()
  // A generator queues a `return` or a `throw` behind the `next` that waits for the thread.
  const ending =
    <Given>(end: (given: Given) => Promise<IteratorResult<Item, void>>) =>
    (given: Given) => {
      leave()
      settle({ id: 0, done: true })
      return end.call(items, given)
    }
  return Object.assign(items, { return: ending(items.return), throw: ending(items.throw) })
}
