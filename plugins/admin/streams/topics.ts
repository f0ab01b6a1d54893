/** The topics of event streams: those of the admin plugin, and those that other plugins contribute. */
import { type Contributed, didYouMean, type Extensions, type Logger } from '../../../core/plugin.ts'
import type { EventTopic } from '../api.ts'
import { adminError } from '../errors.ts'

export type ContributedTopic = Contributed<EventTopic>

/** The events of the stream itself, and of the topics of admin that are not named after their topic. */
const streamEvents = ['hello', 'ended', 'dropped', 'log', 'record']

export class Topics {
  readonly #own: readonly ContributedTopic[]
  #byName: ReadonlyMap<string, ContributedTopic>
  readonly #refused = new WeakSet<ContributedTopic>()

  constructor(
    own: readonly EventTopic[],
    private readonly contributed: Extensions<EventTopic>,
    private readonly log: Logger,
  ) {
    this.#own = own.map((value) => ({ plugin: 'admin', value, fault() {}, hold() {} }))
    this.#byName = this.#read()
    contributed.onChange(() => {
      this.#byName = this.#read()
    })
  }

  #read(): ReadonlyMap<string, ContributedTopic> {
    const found = new Map(this.#own.map((each) => [each.value.name, each]))
    for (const each of this.contributed.all) {
      const { plugin, value } = each
      const owner = found.get(value.name)?.plugin ?? (streamEvents.includes(value.name) ? 'the stream' : undefined)
      const what = `the name belongs to ${owner}`
      const error = owner && adminError('ADMIN_TOPIC_INVALID', { plugin, topic: value.name, what })
      if (error && !this.#refused.has(each)) each.fault(error)
      if (error) this.#refused.add(each)
      else found.set(value.name, each)
      each.hold(error ? error.message : undefined)
    }
    return found
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()]
  }

  has(topic: ContributedTopic): boolean {
    return this.#byName.get(topic.value.name) === topic
  }

  /** @param text names with commas between @throws ADMIN_INVALID for an unknown topic */
  select(text: string): readonly ContributedTopic[] {
    return [...new Set(text.split(','))].map((name) => {
      const topic = this.#byName.get(name)
      if (topic !== undefined) return topic
      const hint = didYouMean(name, this.names)
      const detail = `${name} is none of ${this.names.join(', ')}${hint === undefined ? '' : `; ${hint}`}`
      throw adminError('ADMIN_INVALID', { errors: [{ parameter: 'topics', detail }] })
    })
  }

  /** @throws ADMIN_EVENT_INVALID where a contributed topic sends an event in the name of another or of the stream */
  checkEvent({ plugin, value }: ContributedTopic, event: string): void {
    if (plugin === 'admin' || event === value.name) return
    if (!streamEvents.includes(event) && !this.#byName.has(event)) return
    throw adminError('ADMIN_EVENT_INVALID', { what: `its name ${event} belongs to the stream or to another topic` })
  }

  /** Calls back when topics came or went. @returns stops the calls */
  onChange(listener: () => void): () => void {
    return this.contributed.onChange(listener)
  }

  fault({ plugin, value, fault }: ContributedTopic, error: unknown): void {
    this.log.error('an event topic failed', { plugin, topic: value.name, error })
    fault(error)
  }
}
