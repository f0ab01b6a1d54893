/** Families that live as long as an owner that registered them, and a grace period longer for a successor. */
import type { Cancel, Clock } from '../../../core/plugin.ts'
import type { MetricFactory } from '../api.ts'
import { PromRegistry } from '../prom-registry.ts'
import { type AnyFamily, conflict, createFactory, type Registration, sharedName } from './factory.ts'
import type { Entry, EntryOwner, MetricStore } from './store.ts'

/** How long values wait for a successor that registers the same family again. */
export const graceMs = 30_000

/** Who registers metrics: a collector, an instance of a plugin, or the application. */
export class Owner {
  readonly held = new Set<Entry>()
  readonly metrics: MetricFactory
  /** Metrics of the client library. */
  readonly prom = new PromRegistry()
  isReleased = false
  /** Whether the metrics were never exposed. */
  isNew: boolean

  /**
   * @param home where families are registered; changes for the application when metrics is replaced
   * @param plugin the name of the plugin
   * @param isActive whether the metrics are exposed
   */
  constructor(
    public home: FamilyOwnership,
    readonly plugin: string | undefined,
    public isActive: boolean,
  ) {
    this.isNew = !isActive
    this.metrics = createFactory(
      (wanted) => this.home.claim(this, wanted),
      home.store.clock,
      () => this.isReleased,
    )
  }

  /** The end: the families wait for a successor. */
  release(): void {
    this.isReleased = true
    this.home.release(this)
  }
}

const isExposed = ({ owners }: Entry) => owners.values().some(({ isActive }) => isActive)
const isOf = ({ owners }: Entry, plugin: string | undefined) =>
  plugin !== undefined && owners.values().every((owner) => owner.plugin === plugin)

export class FamilyOwnership {
  readonly #owners = new Set<Owner>()
  /** The owners that {@link activate} names in its turn. */
  readonly #instances = new Set<Owner>()
  /** Families whose name the store has for another instance of the same plugin: in a reload, two shapes exist. */
  readonly #aside = new Set<Entry>()
  readonly #waiting = new Map<Entry, Cancel>()

  constructor(
    readonly store: MetricStore,
    private clock: Pick<Clock, 'after'>,
  ) {}

  /** Takes the clock of a successor, whose timers live longer. */
  useClock(clock: Pick<Clock, 'after'>): void {
    this.clock = clock
    for (const entry of [...this.#waiting.keys()]) this.#wait(entry)
  }

  /** Whether the family has no owner and is in its grace period. */
  isWaiting(name: string): boolean {
    const entry = this.store.entry(name)
    return entry !== undefined && this.#waiting.has(entry)
  }

  /** The families of active owners. */
  *exposed(): IterableIterator<AnyFamily> {
    for (const entry of this.store.entries()) if (isExposed(entry)) yield entry.family
  }

  /** The exposed metric that takes up a sample or family name. */
  ownerOf(name: string): string | undefined {
    const entry = this.store.ownerOf(name)
    return entry && isExposed(entry) ? entry.family.name : undefined
  }

  /** The metrics of the client library that active owners have. */
  registries(): PromRegistry[] {
    return [...this.#owners].filter(({ isActive }) => isActive).map(({ prom }) => prom)
  }

  /** @returns an owner whose metrics are exposed until its release */
  owner(plugin?: string): Owner {
    const owner = new Owner(this, plugin, true)
    this.#owners.add(owner)
    return owner
  }

  /** @returns an owner for an instance of a plugin, whose metrics are exposed while {@link activate} names the owner */
  instance(plugin: string): Owner {
    const owner = new Owner(this, plugin, false)
    this.#owners.add(owner)
    this.#instances.add(owner)
    return owner
  }

  /**
   * Exposes the metrics of these instances and of no others.
   * @param refused called for each instance, with the problem if any
   */
  activate(instances: ReadonlySet<Owner>, refused: (owner: Owner, problem: Error | undefined) => void): void {
    for (const owner of this.#instances) {
      owner.isActive = instances.has(owner)
      if (owner.isActive) owner.isNew = false
    }
    for (const owner of instances) if (this.#instances.has(owner)) refused(owner, this.#installAll(owner))
  }

  /** Takes over an active owner with its families from the ownership before. @returns the problem if any */
  adopt(owner: Owner): Error | undefined {
    owner.home = this
    this.#owners.add(owner)
    return this.#installAll(owner)
  }

  release(owner: Owner): void {
    this.#owners.delete(owner)
    this.#instances.delete(owner)
    for (const entry of owner.held) {
      entry.owners.delete(owner)
      if (entry.owners.size > 0) continue
      if (!this.#aside.delete(entry)) this.#wait(entry)
    }
    owner.held.clear()
  }

  /** @throws METRICS_NAME_INVALID, METRICS_NAME_TAKEN, METRICS_NAME_COLLIDES, METRICS_TOO_MANY */
  claim(owner: Owner, wanted: Registration): AnyFamily {
    // A successor may have the metric: what is registered after the end is not exposed, and disturbs nothing.
    if (owner.isReleased) return this.store.create(wanted).family
    const entry = this.#find(owner, wanted) ?? this.#make(owner, wanted)
    owner.held.add(entry)
    entry.owners.add(owner)
    this.#waiting.get(entry)?.()
    this.#waiting.delete(entry)
    return entry.family
  }

  #find(owner: Owner, wanted: Registration): Entry | undefined {
    const { name } = wanted.options
    const fits = (entry: Entry) => entry.wanted.shape === wanted.shape && !this.#endsWith(entry, owner)
    const stored = this.store.entry(name)
    if (stored !== undefined && fits(stored)) return this.store.again(stored, wanted)
    // Of the plugin itself, or of one that comes into force with it.
    const isNear = (entry: Entry) => isOf(entry, owner.plugin) || entry.owners.values().some(({ isNew }) => isNew)
    return this.#aside.values().find((entry) => entry.family.name === name && fits(entry) && isNear(entry))
  }

  /** Whether values that are set, and not counted, are only those of predecessors: what nobody sets would be left. */
  #endsWith({ wanted: { type, options }, owners }: Entry, owner: Owner): boolean {
    const isPredecessor = (each: EntryOwner) => each !== owner && each.plugin === owner.plugin && this.#isInstance(each)
    const isSet = type === 'gauge' || options.hasCreated === false
    // The gauges of a collector go on until the collector runs: a scrape before would miss them.
    return isSet && this.#isInstance(owner) && owners.values().every(isPredecessor)
  }

  #isInstance(owner: EntryOwner): boolean {
    return (this.#instances as ReadonlySet<EntryOwner>).has(owner)
  }

  /** A family that is in the way of another instance's family of the same plugin is made aside, until the swap. */
  #make(owner: Owner, wanted: Registration): Entry {
    const { plugin, isActive } = owner
    const inTheWay = this.store.inTheWay(wanted)
    const own = [...owner.held].find((entry) => sharedName(entry.wanted, wanted) !== undefined)
    const stays = (entry: Entry) => entry.owners.size > 0 && (!isOf(entry, plugin) || (isActive && isExposed(entry)))
    const refusing = own ?? inTheWay.find(stays)
    if (refusing !== undefined) throw conflict(refusing.wanted, wanted)
    const entry = this.store.create(wanted)
    if (inTheWay.length > 0 && !isActive) this.#aside.add(entry)
    else this.#install(entry)
    return entry
  }

  #installAll(owner: Owner): Error | undefined {
    const refusing = [...owner.held].flatMap((entry) => {
      const active = this.#install(entry)
      return active ? [conflict(active.wanted, entry.wanted)] : []
    })
    return refusing[0]
  }

  /** Makes room for the family of an active owner. @returns the exposed family that is in the way */
  #install(entry: Entry): Entry | undefined {
    if (this.store.entry(entry.family.name) === entry) return undefined
    const inTheWay = this.store.inTheWay(entry.wanted)
    const exposed = inTheWay.find(isExposed)
    if (exposed !== undefined) return exposed
    for (const other of inTheWay) {
      if (other.owners.size === 0) this.#drop(other)
      else {
        this.store.take(other)
        this.#aside.add(other)
      }
    }
    this.#aside.delete(entry)
    this.store.put(entry)
    return undefined
  }

  #drop(entry: Entry): void {
    this.#waiting.get(entry)?.()
    this.#waiting.delete(entry)
    this.store.drop(entry)
  }

  #wait(entry: Entry): void {
    this.#waiting.get(entry)?.()
    this.#waiting.set(
      entry,
      this.clock.after(graceMs, () => this.#drop(entry)),
    )
  }
}
