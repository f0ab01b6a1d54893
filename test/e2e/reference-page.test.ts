import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { type Browser, launch, type Page } from 'puppeteer-core'
import { type AdminRuntime, adminKey, bootAdmin } from '../plugins/admin/support.ts'

const chromium = process.env.ARKWATCH_TEST_CHROMIUM_BIN
// A browser is started.
setDefaultTimeout(120_000)

interface Seen {
  /** What the page says in the console, errors of the content policy and of loading included. */
  readonly console: string[]
  readonly requests: string[]
}

describe.skipIf(chromium === undefined)('the reference of the admin API in Chromium', () => {
  let at: AdminRuntime
  let browser: Browser
  let page: Page
  const seen: Seen = { console: [], requests: [] }
  let operations = 0

  beforeAll(async () => {
    at = await bootAdmin()
    const { document } = await at.underContract()
    operations = Object.values(document.paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0)
    const login = await at.send('/admin/session', { key: null, json: { key: adminKey } })
    const [name, value] = login.headers.get('set-cookie')!.split(';')[0]!.split('=') as [string, string]
    browser = await launch({ executablePath: chromium!, args: ['--no-sandbox', '--disable-gpu'] })
    page = await browser.newPage()
    await page.setViewport({ width: 1_200, height: 900 })
    await browser.setCookie({ name, value, domain: new URL(at.url).hostname, path: '/', httpOnly: true })
    page.on('console', (message) => seen.console.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => seen.console.push(String(error)))
    page.on('request', (request) => seen.requests.push(request.url()))
    await page.goto(`${at.url}/admin/reference`, { waitUntil: 'networkidle0' })
  })
  afterAll(async () => {
    await browser?.close()
    await at?.stop()
  })

  test('shows every operation, with its styles', async () => {
    expect(await page.title()).toBe('Arkwatch admin API')
    expect(await page.$$eval('tr', (rows) => rows.length)).toBe(operations)
    expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).not.toBe('none')
    await page.evaluate('for (const each of document.querySelectorAll("details")) each.open = true')
    expect(await page.evaluate('document.body.innerText')).toContain('Idempotency-Key')
    const wide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth')
    expect(wide).toBe(false)
    const file = join(process.env.ARKWATCH_TEST_DATA_DIR ?? '/tmp', 'reference.png')
    expect((await page.screenshot({ path: file })).byteLength).toBeGreaterThan(20_000)
  })

  test('says nothing in the console and asks nobody else', () => {
    expect(seen.console).toEqual([])
    expect(seen.requests.map((url) => new URL(url).origin).filter((origin) => origin !== at.url)).toEqual([])
    expect(seen.requests.length).toBeGreaterThan(0)
  })

  test('runs no script that got into it, and is in no frame', async () => {
    const ran = await page.evaluate(`(() => {
      const script = document.createElement('script')
      script.textContent = 'window.intruder = true'
      document.body.append(script)
      return 'intruder' in window
    })()`)
    expect(ran).toBe(false)
    expect(seen.console.join()).toContain('Content Security Policy')
    const framed = await browser.newPage()
    await framed.setContent(`<iframe src="${at.url}/admin/reference"></iframe>`, { waitUntil: 'load' })
    const texts = await Promise.all(framed.frames().map((frame) => frame.evaluate('document.body?.innerText ?? ""')))
    expect(texts.join()).not.toContain('Arkwatch admin API')
  })
})
