/** `arkwatch keys` */
import type { KeyInfo } from '../../plugins/admin/keys/key.ts'
import { answer, type Command } from '../cli.ts'
import { instance } from '../instance.ts'
import { durationOption } from '../option-values.ts'
import { table } from '../output/table.ts'

type CreateOptions = { readonly role: string; readonly scope?: readonly string[]; readonly expires?: string }

const dayMs = 86_400_000
const timeOf = (ms: number | undefined | null) => (ms == null ? 'never' : new Date(ms).toISOString().slice(0, 19))

const head = ['id', 'name', 'role', 'scopes', 'from', 'expires', 'last used']
const rowOf = ({ id, name, role, scopes, source, expiresAtMs, lastUsedAtMs }: KeyInfo) => {
  return [id, name, role, scopes.join(' '), source, timeOf(expiresAtMs), timeOf(lastUsedAtMs)]
}

export const list: Command = async (cli) => {
  const found = await instance(cli).call<{ keys: readonly KeyInfo[] }>('keys.list')
  return answer(cli, found, ({ keys }) => table(head, keys.map(rowOf)))
}

export const create: Command<[string], CreateOptions> = async (cli, { role, scope, expires }, name) => {
  const made = await instance(cli).call<{ key: string; info: KeyInfo }>('keys.create', {
    name,
    role,
    ...(scope && { scopes: scope }),
    ...(expires !== undefined && { expiresInDays: durationOption('expires', expires, '90d', ['2m', '3650d']) / dayMs }),
  })
  const { info } = made
  const exitCode = answer(cli, made, ({ key }) => key)
  if (!cli.json)
    cli.warn(`a key named ${info.name} with the role ${info.role}, id ${info.id}; the key is shown only once`)
  return exitCode
}

export const revoke: Command<[string]> = async (cli, _options, id) => {
  await instance(cli).call('keys.revoke', { id })
  return answer(cli, { id }, () => `${id} is no longer valid`)
}
