/** The description of the API: the OpenAPI document, and a page of it that loads nothing from elsewhere. */
import { z } from '@hono/zod-openapi'
import { html, raw } from 'hono/html'
import { contentPolicy } from '../guard/headers.ts'
import type { Document, DocumentOperation } from '../http/document.ts'
import { record, reply } from '../http/reply.ts'
import { createRoutes } from '../http/route.ts'

const style = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #8885; padding-bottom: .25rem; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; } td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid #8883; vertical-align: top; }
code { font: 13px ui-monospace, monospace; white-space: nowrap; } .method { display: inline-block; width: 4.5rem; font-weight: 600; }
.access { white-space: nowrap; opacity: .75; } .note { opacity: .75; font-size: 13px; } td:first-child { width: 40%; } td:nth-child(2) { width: 10%; }
summary { cursor: pointer; } ul { margin: .25rem 0; padding-left: 1.25rem; } pre { overflow: auto; font: 12px ui-monospace, monospace; }
td code { white-space: normal; overflow-wrap: anywhere; }
`

const styleHash = `'sha256-${new Bun.CryptoHasher('sha256').update(style).digest('base64')}'`

/** What is sent and what comes back, folded away. */
function details({ parameters = [], requestBody, responses }: DocumentOperation) {
  const schema = requestBody?.content?.['application/json']?.schema
  return html`<details><summary class="note">parameters and answers</summary><ul>
${parameters.map((each) => html`<li><code>${each.name}</code> (${each.in}) ${each.description ?? ''}</li>`)}
${schema === undefined ? '' : html`<li>body <pre>${JSON.stringify(schema, null, 2)}</pre></li>`}
${Object.entries(responses).map(([status, { description = '' }]) => html`<li>${status} ${description}</li>`)}
</ul></details>`
}

/** @returns the page, every text escaped */
export function referencePage({ info, paths, tags = [] }: Document) {
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, each]) => ({ path, method, each, group: each.tags?.[0] ?? '' })),
  )
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><title>${String(info.title)}</title><style>${raw(style)}</style></head>
<body>
<h1>${String(info.title)}</h1>
<p class="note">Version ${String(info.version)}. The whole description: <a href="/admin/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
${tags.map(
  ({ name }) => html`<h2 id="${name}">${name}</h2>
<table>${rows
    .filter(({ group }) => group === name)
    .map(
      ({ path, method, each }) => html`<tr>
<td><span class="method">${method.toUpperCase()}</span><code>${path}</code></td>
<td class="access">${each['x-access']}</td>
<td>${each.summary ?? ''} <span class="note">${each.description ?? ''}</span>${details(each)}</td>
</tr>`,
    )}</table>`,
)}
</body></html>`
}

export function referenceRoutes(document: () => Promise<Document>) {
  const { app, route } = createRoutes()
  route(
    'get /openapi.json',
    'The OpenAPI document of this API.',
    { id: 'reference.document', access: 'viewer' },
    { 200: reply('The document.', record) },
    async () => (await document()) as unknown as Record<string, unknown>,
  )
  route(
    'get /reference',
    'The reference as a page.',
    { id: 'reference.page', access: 'viewer' },
    { 200: { description: 'The page.', content: { 'text/html': { schema: z.string() } } } },
    async (c) => {
      c.header('content-security-policy', contentPolicy(styleHash))
      return c.html(referencePage(await document()))
    },
  )
  return app
}
