/** Static pages of other plugins: checks a contribution, finds a file of it, and answers with ETag and policy. */
import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Context, Handler } from 'hono'
import { type Clock, messageOf, withDeadline } from '../../../core/plugin.ts'
import type { AdminEnv, AdminPages, Asset } from '../api.ts'
import { adminError } from '../errors.ts'
import { contentPolicy } from '../guard/headers.ts'

export const maxAssetBytes = 4 * 1024 * 1024
export const maxAssets = 1_000
export const maxAssetsBytes = 32 * 1024 * 1024
/** How long a function may take to make a file. */
const makeMs = 2_000

/** What a browser may do with a page: keep it, and ask each time whether it is still the same. */
export const pageCaching = 'private, no-cache'
const pagePolicy = `${contentPolicy()}; font-src 'self'; worker-src 'self'; manifest-src 'self'`

/** No dot files, no `..`, no backslash, no empty part, no control character. */
const assetPath = /^[^./\\\p{Cc}\p{Cs}][^/\\\p{Cc}\p{Cs}]*(?:\/[^./\\\p{Cc}\p{Cs}][^/\\\p{Cc}\p{Cs}]*)*$/u
const maxPathLength = 512
const defaultIndex = 'index.html'

/** @returns bytes; Infinity for what is not an asset */
function sizeOf(asset: Asset): number {
  if (typeof asset === 'string') return Buffer.byteLength(asset)
  if (typeof asset === 'function') return 0
  return asset instanceof Uint8Array ? asset.byteLength : Number.POSITIVE_INFINITY
}

/** @returns why pages are refused, undefined when they are not */
export async function pagesProblem({ path, root, index = defaultIndex }: AdminPages): Promise<string | undefined> {
  if (!/^\/admin\/[a-z][a-z0-9-]{0,63}$/.test(path)) return `their path ${path} is not one name below /admin/`
  if (!isAssetPath(index)) return `their index ${index.slice(0, 128)} has a name that is not allowed`
  if (root instanceof URL) {
    const isDirectory =
      root.protocol === 'file:' &&
      (await stat(root)
        .then((found) => found.isDirectory())
        .catch(() => false))
    return isDirectory ? undefined : `their root ${root.href} is not a directory`
  }
  const entries = Object.entries(root)
  if (entries.length > maxAssets) return `they have more than ${maxAssets} files`
  const unusable = entries.find(([name, asset]) => !isAssetPath(name) || sizeOf(asset) > maxAssetBytes)
  if (unusable !== undefined) return `the file ${unusable[0].slice(0, 128)} has a name or a size that is not allowed`
  const bytes = entries.reduce((sum, [, asset]) => sum + sizeOf(asset), 0)
  return bytes > maxAssetsBytes ? `they are larger than ${maxAssetsBytes} bytes` : undefined
}

const isAssetPath = (path: string) => path.length <= maxPathLength && assetPath.test(path)

/** Reads a file below a directory, also through links that stay below it. @returns undefined for what is not there */
async function readBelow(root: URL, path: string): Promise<Uint8Array | undefined> {
  const directory = await realpath(fileURLToPath(root))
  const file = await realpath(join(directory, path)).catch(() => undefined)
  if (file === undefined || !file.startsWith(`${directory}${sep}`)) return undefined
  const found = await stat(file)
  if (!found.isFile()) return undefined
  if (found.size > maxAssetBytes) throw new Error(`the page ${path} is larger than ${maxAssetBytes} bytes`)
  return Bun.file(file).bytes()
}

async function contentOf(
  { root, index = defaultIndex }: AdminPages,
  path: string,
  clock: Clock,
): Promise<Uint8Array | undefined> {
  const wanted = path === '' ? index : path
  if (!isAssetPath(wanted)) return undefined
  if (root instanceof URL) return readBelow(root, wanted)
  if (!Object.hasOwn(root, wanted)) return undefined
  const asset = root[wanted]
  const late = () => new Error(`the page ${wanted} was not made within ${makeMs} ms`)
  const content: unknown = typeof asset === 'function' ? await withDeadline(asset(), makeMs, clock, late) : asset
  if (typeof content !== 'string' && !(content instanceof Uint8Array))
    throw new TypeError(`the page ${wanted} is ${messageOf(content)}: expected a text or a Uint8Array`)
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  if (bytes.byteLength > maxAssetBytes) throw new Error(`the page ${wanted} is larger than ${maxAssetBytes} bytes`)
  return bytes
}

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    return '/'
  }
}

/** Whether `If-None-Match` names an entity tag. @see RFC 9110 section 13.1.2 */
const isNamed = (header: string | undefined, etag: string) =>
  header?.split(',').some((each) => ['*', etag, `W/${etag}`].includes(each.trim())) === true

/** @returns the handler of pages, which answers after the gate has let the request in */
export function pageHandler(pages: AdminPages, clock: Clock): Handler<AdminEnv> {
  const { path, access = 'viewer' } = pages
  const summary = `Shows the pages at ${path}.`
  const answer = async (c: Context<AdminEnv>): Promise<Response> => {
    // Relative addresses in the index begin at the directory.
    if (c.req.path === path)
      return c.redirect(`${path.slice(path.lastIndexOf('/') + 1)}/${new URL(c.req.url).search}`, 308)
    const name = decoded(c.req.path.slice(path.length + 1))
    const content = await contentOf(pages, name, clock)
    if (content === undefined)
      throw adminError('ADMIN_NOT_FOUND', { what: 'such page', where: `${path}/ is the first page.` })
    const etag = `"${Bun.hash(content).toString(36)}"`
    const headers = { etag, 'cache-control': pageCaching, 'content-security-policy': pagePolicy }
    if (isNamed(c.req.header('if-none-match'), etag)) return new Response(null, { status: 304, headers })
    const type = Bun.file(name === '' ? (pages.index ?? defaultIndex) : name).type
    const length = String(content.byteLength)
    return new Response(content as Uint8Array<ArrayBuffer>, {
      headers: { ...headers, 'content-type': type, 'content-length': length },
    })
  }
  return (c) =>
    c.var.enter({ id: 'pages.show', access, summary }, c, async () => {
      c.res = await answer(c as Context<AdminEnv>)
    }) as Promise<Response>
}
