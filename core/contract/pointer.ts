/** The one writer of JSON pointers. Pure. @see RFC 6901 */

/** @param path keys and indices from the root @returns the pointer; empty for the root */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
