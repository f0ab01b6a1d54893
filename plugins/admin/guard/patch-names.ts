/** Resolves the host names in a change: none may resolve to an address where clouds keep credentials. */
import { lookup } from 'node:dns/promises'
import { type Clock, isLinkLocal } from '../../../core/plugin.ts'
import { adminError } from '../errors.ts'
import type { InvalidPart } from '../problem.ts'
import { namesIn } from './patch-policy.ts'

export type Resolve = (name: string) => Promise<readonly string[]>
const resolveName: Resolve = async (name) => (await lookup(name, { all: true })).map(({ address }) => address)

/** What is not known by then is judged by who connects. */
const deadlineMs = 2_000

/** Looks up the hosts in a patch; a name that nobody knows may come later. @throws ADMIN_CONFIG_PROTECTED */
export async function checkNames(
  patch: unknown,
  clock: Pick<Clock, 'after'>,
  resolve: Resolve = resolveName,
): Promise<void> {
  const late = Promise.withResolvers<readonly string[]>()
  const cancel = clock.after(deadlineMs, () => late.resolve([]))
  try {
    const looked = namesIn(patch).map(async ([pointer, name]): Promise<InvalidPart[]> => {
      const addresses = await Promise.race([resolve(name).catch(() => []), late.promise])
      const found = addresses.find(isLinkLocal)
      return found === undefined
        ? []
        : [{ pointer, detail: `${name} leads to ${found}, which is link-local or a metadata service` }]
    })
    const errors = (await Promise.all(looked)).flat()
    if (errors.length > 0) throw adminError('ADMIN_CONFIG_PROTECTED', { errors: errors.slice(0, 20) })
  } finally {
    cancel()
  }
}
