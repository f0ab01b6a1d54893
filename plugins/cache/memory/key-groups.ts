/** PURE. Counts by key group: one for each group of the config, however many keys there are. */
import type { GroupCounts } from '../api.ts'
import type { CacheConfig } from '../config.ts'
import { newGroupCounts } from '../counts.ts'
import { matcher } from '../keys.ts'

type Groups = CacheConfig['groups']

/** The group of all other keys. */
const otherGroup = 'other'

export class KeyGroups {
  private patterns: readonly { readonly matches: (key: string) => boolean; readonly counts: GroupCounts }[] = []
  private readonly byName = new Map<string, GroupCounts>()

  constructor(private groups: Groups) {
    this.configure(groups)
  }

  /** Applies other groups; a name that stays keeps its counts. @returns whether a key may be in another group now */
  configure(groups: Groups): boolean {
    const changed = !Bun.deepEquals(groups, this.groups)
    this.groups = groups
    const names = new Set(groups.length === 0 ? [] : [...groups.map(({ name }) => name), otherGroup])
    for (const name of this.byName.keys()) if (!names.has(name)) this.byName.delete(name)
    for (const name of names) if (!this.byName.has(name)) this.byName.set(name, newGroupCounts())
    this.patterns = groups.map(({ name, pattern }) => ({ matches: matcher(pattern), counts: this.byName.get(name)! }))
    return changed
  }

  /** Counts of the first group that matches a key; undefined without groups. */
  of(key: string): GroupCounts | undefined {
    if (this.patterns.length === 0) return undefined
    return (this.patterns.find(({ matches }) => matches(key))?.counts ?? this.byName.get(otherGroup))!
  }

  count(what: keyof GroupCounts, key: string, by = 1): void {
    const counts = this.of(key)
    if (counts !== undefined) counts[what] += by
  }

  list(): Readonly<Record<string, GroupCounts>> {
    return Object.fromEntries([...this.byName].map(([name, counts]) => [name, { ...counts }]))
  }
}
