/* The first five minutes in Debian's Chromium: the set-up link → look around in the demo brand → who comes back → remove it → the
 * link's page again → a brand of one's own. Both languages, at desk and phone width: no console error, nothing serious by axe-core,
 * nothing wider than the page. Says how many presses and seconds it took. HUITOU_SHOTS=folder keeps pictures. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
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
const LANGUAGES = [
  { locale: 'en-GB', strip: 'names and phones are made up', begin: 'Begin', customers: '4,338' },
  { locale: 'zh-CN', strip: '姓名与手机均为虚构', begin: '开始使用', customers: '4,338' },
]

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

async function looks_around(page, server, words, name) {
  const began = Date.now()
  await page.goto(server.setup_url)
  await page.locator('[data-test=look]').waitFor()
  await look(page, name('1-welcome'))
  const pressed = Date.now()
  await page.click('[data-test=look]')
  await page.locator('[data-test=making]').waitFor()
  await page.locator('.el-progress').waitFor()
  if (process.env.HUITOU_SHOTS) await page.screenshot({ path: join(process.env.HUITOU_SHOTS, name('2-making') + '.png') })
  await page.waitForURL('**/insight/repurchase', { timeout: 60_000 })
  await page.locator('section.card').first().waitFor()
  console.log(`${name('demo')}: from the link to the repurchase page 1 press, ${((Date.now() - pressed) / 1000).toFixed(1)} s after it (${((Date.now() - began) / 1000).toFixed(1)} s with the looking of this test)`)
  const strip = page.locator('[data-test=demo-strip]')
  assert.match(await strip.innerText(), new RegExp(words.strip))
  assert.match(await page.locator('#content').innerText(), new RegExp(words.customers))
  await look(page, name('3-repurchase'))
}

async function walks_in_demo(page, server, name) {
  for (const address of ['/insight', '/insight/overdue', '/settings/staff', '/settings/account']) {
    await page.goto(server.url + address)
    await page.locator('[data-test=demo-strip]').waitFor()
    await page.locator('.card:visible').first().waitFor()
    await look(page, name('4' + address.replaceAll('/', '-')))
  }
}

async function removes(page, name, folder) {
  await page.click('[data-test=demo-remove]')
  await page.locator('[data-test=demo-remove-yes]').waitFor()
  await look(page, name('5-asks'))
  await page.click('[data-test=demo-remove-yes]')
  await page.waitForURL('**/welcome#*')
  await page.locator('[data-test=own]').waitFor()
  assert.deepEqual(readdirSync(folder), [], 'nothing of it is left on disk')
}

async function brings_own(page, words, name) {
  await page.click('[data-test=own]')
  await page.fill('input[name=brand_name]', '一家名字相当长的茶叶店'.repeat(3))
  await page.fill('input[name=name]', '林掌柜')
  await page.fill('input[name=login]', 'owner')
  await page.fill('input[name=password]', PASSWORD)
  await look(page, name('6-own'))
  await page.click(`button:has-text("${words.begin}")`)
  await page.waitForURL((url) => !url.pathname.startsWith('/welcome'))
  await page.locator('#content').waitFor()
  assert.equal(await page.locator('[data-test=demo-strip]').count(), 0, 'a strip on a brand of one\'s own')
  await page.goto(new URL('/insight/repurchase', page.url()).href)
  await page.locator('[data-test=no-orders]').waitFor()
  await look(page, name('7-empty'))
}

async function first_minutes(browser, words, width) {
  const folder = mkdtempSync(join(tmpdir(), 'huitou-demo-e2e-'))
  const server = await serve(folder)
  const context = await browser.newContext({ locale: words.locale, viewport: { width, height: 900 } })
  const name = (what) => `${what}-${words.locale}-${width}`
  const complaints = []
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    await looks_around(page, server, words, name)
    await walks_in_demo(page, server, name)
    await removes(page, name, folder)
    await brings_own(page, words, name)
    assert.deepEqual(complaints, [], 'the browser complains')
  } finally {
    await context.close()
    server.process.removeAllListeners('exit')
    server.process.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  }
}

test('the first five minutes', { timeout: 540_000 }, async () => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  try {
    for (const width of [1440, 390])
      for (const words of LANGUAGES) await first_minutes(browser, words, width)
  } finally {
    await browser.close()
  }
})
