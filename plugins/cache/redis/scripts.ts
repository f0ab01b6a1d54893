/**
 * Lua scripts, which Redis runs atomically.
 *
 * A clock in Redis orders invalidations. Its key holds `epoch:last`: `last` is the server's time in microseconds, or
 * one more than before if it has not grown; `epoch` is when the key was made, and changes when the server loses
 * its data. A mark is the content of the key when a load began.
 */
import type { Redis, RedisArgument } from '../../redis/api.ts'

const script = (text: string) => ({ text, sha: new Bun.CryptoHasher('sha1').update(text).digest('hex') })

/** Advances the clock. */
const tick = `
local function tick(clock)
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local epoch, last = (redis.call('GET', clock) or ''):match('^(%d+):(%d+)$')
  if not epoch then epoch, last = string.format('%.0f', now), '0' end
  if now <= tonumber(last) then now = tonumber(last) + 1 end
  local at = string.format('%.0f', now)
  redis.call('SET', clock, epoch .. ':' .. at)
  return at
end
local function store(key, at, bytes, px)
  redis.call('SET', key, bytes:sub(1, 1) .. at .. ':' .. bytes:sub(2), 'PX', px)
end`

/** KEYS clock. @returns the mark */
export const markScript = script(`${tick}
if not redis.call('GET', KEYS[1]) then tick(KEYS[1]) end
return redis.call('GET', KEYS[1])`)

/** Stores a loaded entry, unless invalidated since. KEYS clock, floor, tombstone, entry. ARGV mark, bytes, ms. */
export const keepScript = script(`${tick}
local epoch, at = ARGV[1]:match('^(%d+):(%d+)$')
if not epoch or (redis.call('GET', KEYS[1]) or ''):match('^(%d+):') ~= epoch then return 0 end
for _, key in ipairs({ KEYS[2], KEYS[3] }) do
  local since = redis.call('GET', key)
  if since and tonumber(since) > tonumber(at) then return 0 end
end
store(KEYS[4], at, ARGV[2], ARGV[3])
return 1`)

/** Sets an entry. KEYS clock, tombstone, entry. ARGV ms of the tombstone, channel, message, bytes, ms. */
export const putScript = script(`${tick}
local at = tick(KEYS[1])
redis.call('SET', KEYS[2], at, 'PX', ARGV[1])
store(KEYS[3], at, ARGV[4], ARGV[5])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1`)

/** Removes a key. KEYS clock, tombstone, entry. ARGV ms of the tombstone, channel, message. @returns keys removed */
export const dropScript = script(`${tick}
redis.call('SET', KEYS[2], tick(KEYS[1]), 'PX', ARGV[1])
local removed = redis.call('DEL', KEYS[3])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return removed`)

/** Notes when a tag was invalidated. KEYS clock, tag. ARGV ms, channel, message. */
export const tagScript = script(`${tick}
redis.call('SET', KEYS[2], tick(KEYS[1]), 'PX', ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 0`)

/** From now on refuses loads that began before. KEYS clock, floor. ARGV ms. */
export const floorScript = script(`${tick}
return redis.call('SET', KEYS[2], tick(KEYS[1]), 'PX', ARGV[1])`)

/** Releases a lock if its token is still ours. KEYS lock. ARGV token. */
export const unlockScript = script(
  `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`,
)

/** Runs a script; sends its text to a server that does not know it. @throws as {@link Redis.call} */
export async function runScript<T>(
  redis: Redis,
  { sha, text }: ReturnType<typeof script>,
  keys: readonly string[],
  ...args: RedisArgument[]
): Promise<T> {
  try {
    return await redis.call<T>('EVALSHA', sha, keys.length, ...keys, ...args)
  } catch (thrown) {
    const { reason } = (thrown as { details?: { reason?: unknown } }).details ?? {}
    if (!String(reason).startsWith('NOSCRIPT')) throw thrown
    return redis.call<T>('EVAL', text, keys.length, ...keys, ...args)
  }
}
