/** The body of a request, parsed. */
import type { Context } from 'hono'
import type { z } from 'zod'
import { Refusal } from './problems.ts'

/** @throws Refusal 400 for what is no JSON, ZodError for what has another form */
export async function parseBody<Schema extends z.ZodType>(context: Context, schema: Schema): Promise<z.output<Schema>> {
  const text = await context.req.text()
  let value: unknown
  try {
    value = text === '' ? {} : JSON.parse(text)
  } catch (thrown) {
    throw new Refusal(400, 'Not JSON', `The body is not JSON: ${(thrown as Error).message}.`)
  }
  return schema.parse(value)
}
