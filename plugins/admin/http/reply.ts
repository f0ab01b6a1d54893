/** Parts that the declarations of routes share. */
import { z } from '@hono/zod-openapi'

export const reply = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { 'application/json': { schema } },
})

export const tagged = <S extends z.ZodType>(description: string, schema: S) => ({
  ...reply(description, schema),
  headers: z.object({ ETag: z.string() }),
})

/** The header that guards a change. @param what what the entity tag is of */
export const ifMatch = (what: string) =>
  z.object({
    'if-match': z
      .string()
      .optional()
      .openapi({ description: `ETag of ${what}.` }),
  })

export const body = <S extends z.ZodType>(schema: S) => ({
  body: { required: true, content: { 'application/json': { schema } } },
})

export const iso = (ms: number): string => new Date(ms).toISOString()
export const isoOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : iso(ms))

export const timestamp = z.iso.datetime().describe('When this was answered, UTC.')
export const time = z.iso.datetime()
export const nullableTime = z.iso.datetime().nullable()

const inPath = (name: string) => (description: string) =>
  z
    .string()
    .min(1)
    .max(128)
    .openapi({ param: { name, in: 'path' }, description })
export const nameParam = inPath('name')
export const idParam = inPath('id')

export const number = (min: number, max: number, fallback: number, what: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `expected a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .default(fallback)
    .openapi({ type: 'integer', minimum: min, maximum: max, default: fallback, description: what })

/** The cursor of a page: the value of `next` of the page before. */
export const cursor = z
  .string()
  .regex(/^\d{1,16}$/, 'expected the value of `next` of a page')
  .transform(Number)
  .optional()
  .openapi({ type: 'string', description: 'Where the page begins: `next` of the page before.' })

export const nextCursor = z.string().nullable().describe('The cursor of the page after; null on the last one.')

export const anything = z.unknown().openapi({ description: 'Any JSON value.' })
export const record = z.record(z.string(), z.unknown())

/** @returns the entity tag of a JSON value. @see RFC 9110 section 8.8.3 */
export const etagOf = (value: unknown): string => `"${Bun.hash(JSON.stringify(value)).toString(36)}"`
