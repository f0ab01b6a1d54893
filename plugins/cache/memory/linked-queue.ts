/** PURE. A queue with removal from anywhere in constant time: a doubly linked list through the items. */

/** An item of at most one queue at a time. */
export interface Queued {
  previous: this | undefined
  next: this | undefined
}

export class Queue<T extends Queued> {
  size = 0
  /** The oldest item. */
  head: T | undefined
  private tail: T | undefined

  push(item: T): void {
    item.previous = this.tail
    item.next = undefined
    if (this.tail === undefined) this.head = item
    else this.tail.next = item
    this.tail = item
    this.size += 1
  }

  /** @param item an item of this queue */
  remove(item: T): void {
    if (item.previous === undefined) this.head = item.next
    else item.previous.next = item.next
    if (item.next === undefined) this.tail = item.previous
    else item.next.previous = item.previous
    item.previous = undefined
    item.next = undefined
    this.size -= 1
  }
}
