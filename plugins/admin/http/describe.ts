/** The OpenAPI document of what is mounted, made part by part. */
import { OpenAPIHono } from '@hono/zod-openapi'
import { yieldToLoop } from '../../../core/plugin.ts'
import type { AdminEnv } from '../api.ts'
import type { Mounted } from './compose.ts'
import { complete, type Document, ProblemSchema } from './document.ts'

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer' },
  adminKey: { type: 'apiKey', in: 'header', name: 'X-Admin-Key' },
  session: { type: 'apiKey', in: 'cookie', name: 'arkwatch_session' },
}

const head = (version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'Arkwatch admin API',
    version,
    description:
      'Operates one running Arkwatch: its plugins, its configuration, its records. Every error is a Problem. A method that a path does not list is 405 with Allow, a URL of more than 8,192 characters 414, headers of more than 16 KiB 431; without a valid key all of them are 401.',
    license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT' },
    contact: { name: 'Arkwatch', url: 'https://www.npmjs.com/package/arkwatch' },
  },
  servers: [{ url: '/', description: 'The listener that serves this document.' }],
})

/** @param version of Arkwatch @returns the document; each part is made in a turn of the event loop of its own */
export async function describe(mounted: readonly Mounted[], version: string): Promise<Document> {
  const paths: Record<string, Document['paths'][string]> = {}
  const schemas: Record<string, unknown> = {}
  for (const { path, app } of mounted) {
    await yieldToLoop()
    const part = new OpenAPIHono<AdminEnv>()
    part.openAPIRegistry.register('Problem', ProblemSchema)
    part.route(path, app)
    const described = part.getOpenAPI31Document(head(version)) as unknown as Document
    // Two parts may share a path, each with its methods.
    for (const [at, methods] of Object.entries(described.paths)) paths[at] = { ...paths[at], ...methods }
    Object.assign(schemas, described.components.schemas)
  }
  await yieldToLoop()
  return complete({ ...head(version), paths, components: { schemas, securitySchemes } })
}
