/** PURE. Which names a collector takes, and how many at most. */

export interface Patterns {
  /** Globs; empty takes everything. */
  readonly include: readonly string[]
  /** Globs; goes before `include`. */
  readonly exclude: readonly string[]
}

/** @returns whether a name is wanted; `*` any run of characters, `**` across slashes, `[a-z]`, `{a,b}` */
export function nameFilter({ include, exclude }: Patterns): (name: string) => boolean {
  const globs = (patterns: readonly string[]) => patterns.map((pattern) => new Bun.Glob(pattern))
  const wanted = globs(include)
  const unwanted = globs(exclude)
  const any = (list: readonly Bun.Glob[], name: string) => list.some((glob) => glob.match(name))
  return (name) => !any(unwanted, name) && (wanted.length === 0 || any(wanted, name))
}

/** @returns the first `limit` items, and how many were left out */
export function atMost<T>(items: readonly T[], limit: number): { readonly kept: readonly T[]; readonly left: number } {
  return { kept: items.slice(0, limit), left: Math.max(0, items.length - limit) }
}
