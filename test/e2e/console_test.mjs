/* Walks Welcome → Insight → Settings in Debian's Chromium, in both languages, at desk and phone width: no console error,
 * nothing serious by axe-core, nothing wider than the page. Run: npm run e2e in web/console (after a build), or
 * HUITOU_BINARY=… HUITOU_SHOTS=folder node --test test/e2e/ */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const ROOT = new URL('../../', import.meta.url).pathname
const need = createRequire(join(ROOT, 'web/console/package.json'))
const { chromium } = need('playwright-core')
const { AxeBuilder } = need('@axe-core/playwright')
const BINARY = process.env.HUITOU_BINARY ?? join(ROOT, 'build/release/huitou')
const PASSWORD = 'a long sentence about tea'
const REPORTS = ['totals', 'repurchase', 'nday', 'cohorts', 'monthly', 'second-purchase', 'rfm', 'concentration', 'overdue']
const LANGUAGES = [
  { locale: 'en-GB', insight: 'Insight', begin: 'Begin', staff: 'Staff', add: 'Add a person', save: 'Save' },
  { locale: 'zh-CN', insight: '洞察', begin: '开始使用', staff: '员工', add: '添加员工', save: '保存' },
]

function make_brand(folder) {
  const run = (...args) => {
    const done = spawnSync(BINARY, args, { encoding: 'utf8' })
    assert.equal(done.status, 0, done.stdout + done.stderr)
  }
  run('init', folder, '--name', 'Tea House 茶舍', '--currency', 'GBP', '--timezone', 'Europe/London')
  run('import', 'orders', '--dir', folder, '--map', 'online-retail', join(ROOT, 'test/data/online_retail/online_retail.csv.gz'))
}

/* Resolves to { process, url, setup_url } once the server listens. */
function serve(folder) {
  return new Promise((resolve, reject) => {
    const server = spawn(BINARY, ['serve', '--dir', folder, '--port', '0', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`the server ended: ${code}`)))
    server.stdout.once('data', (line) => resolve({ process: server, ...JSON.parse(String(line)) }))
  })
}

async function look(page, what) {
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'))
  if (process.env.HUITOU_SHOTS) await page.screenshot({ path: join(process.env.HUITOU_SHOTS, what + '.png'), fullPage: true })
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  assert.equal(wide, 0, `${what}: the page is ${wide} px too wide`)
  const { violations } = await new AxeBuilder({ page }).analyze()
  const grave = violations.filter((one) => ['serious', 'critical'].includes(one.impact))
  assert.deepEqual(grave.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`), [], what)
}

async function walk(browser, server, words, width, sets_up) {
  const context = await browser.newContext({ locale: words.locale, viewport: { width, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const complaints = []
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  const name = (what) => `${what}-${words.locale}-${width}`

  if (sets_up) {
    await page.goto(server.setup_url)
    await page.fill('input[name=name]', '林掌柜')
    await page.fill('input[name=login]', 'owner')
    await page.fill('input[name=password]', PASSWORD)
    await look(page, name('welcome'))
    await page.click(`button:has-text("${words.begin}")`)
  } else {
    await page.goto(server.url + '/insight')
    await page.fill('input[name=login]', 'owner')
    await page.fill('input[name=password]', PASSWORD)
    await look(page, name('login'))
    await page.click('button[type=submit]')
  }
  await page.waitForURL('**/insight')
  await page.getByRole('heading', { level: 1, name: words.insight }).waitFor()
  await look(page, name('insight'))
  for (const report of REPORTS) {
    await page.goto(`${server.url}/insight/${report}`)
    await page.locator('section.card').first().waitFor()
    await look(page, name(report))
  }
  for (const place of ['account', 'staff', 'roles', 'keys', 'audit', 'system']) {
    await page.goto(`${server.url}/settings/${place}`)
    await page.locator('.card').first().waitFor()
    await look(page, name(place))
  }
  await page.goto(`${server.url}/settings/staff`)
  await page.click(`button:has-text("${words.add}")`)
  await page.fill('.el-drawer input[name=login]', `agent${width}${words.locale}`.toLowerCase())
  await page.fill('.el-drawer input[name=name]', '一位姓名特别长的同事'.repeat(4))
  await page.fill('.el-drawer input[name=password]', PASSWORD)
  await look(page, name('staff-add'))
  await page.click(`.el-drawer button:has-text("${words.save}")`)
  await page.locator('.el-drawer').waitFor({ state: 'hidden' })
  await page.locator(`td:has-text("agent${width}${words.locale}")`.toLowerCase()).waitFor()
  await look(page, name('staff-added'))
  assert.deepEqual(complaints, [], 'the browser complains')
  await context.close()
}

test('the console from welcome to settings', { timeout: 540_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'huitou-e2e-'))
  let server, browser
  try {
    make_brand(join(folder, 'brand'))
    server = await serve(join(folder, 'brand'))
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
    let first = true
    for (const width of [1440, 390])
      for (const words of LANGUAGES) {
        await walk(browser, server, words, width, first)
        first = false
      }
  } finally {
    await browser?.close()
    if (server) {
      server.process.removeAllListeners('exit')
      server.process.kill('SIGTERM')
    }
    rmSync(folder, { recursive: true, force: true })
  }
})
