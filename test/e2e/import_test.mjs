/* A merchant's GB18030 file from the drop to the repurchase page, a table that is mapped by hand, in Debian's Chromium, in
 * both languages, at desk and phone width. What a page says is held against what the command line says of the same file.
 * Run as console_test.mjs. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'

const ROOT = new URL('../../', import.meta.url).pathname
const need = createRequire(join(ROOT, 'web/console/package.json'))
const { chromium } = need('playwright-core')
const { AxeBuilder } = need('@axe-core/playwright')
const BINARY = process.env.HUITOU_BINARY ?? join(ROOT, 'build/release/huitou')
const PASSWORD = 'a long sentence about tea'
const LANGUAGES = [
  { locale: 'en-GB', import: 'Import', none: 'Not read', order_number: 'Order number', order_time: 'Order time', order_amount: 'Order amount', phone: "Buyer's phone", state: 'State', unknown: 'Not known: choose', received: 'received', again: 'Check again', go: 'Import 2,044 orders', rejected: '6 rows would be rejected' },
  { locale: 'zh-CN', import: '导入', none: '不读取', order_number: '订单号', order_time: '下单时间', order_amount: '整单实付', phone: '买家手机', state: '订单状态', unknown: '未知：请选择', received: '已收货', again: '重新检查', go: '导入 2,044 个订单', rejected: '有 6 行会被拒' },
]

function run(command, ...args) {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  assert.equal(done.status, 0, done.stdout + done.stderr)
  return done.stdout
}
function make_brand(folder) {
  run(BINARY, 'init', folder, '--name', '茶舍 Tea House', '--currency', 'CNY', '--timezone', 'Asia/Shanghai')
}
function serve(folder) {
  return new Promise((resolve, reject) => {
    const server = spawn(BINARY, ['serve', '--dir', folder, '--port', '0', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
    server.once('error', reject)
    server.stdout.once('data', (line) => resolve({ process: server, ...JSON.parse(String(line)) }))
  })
}
/* The file as test/reference/merchant_files.py makes it, and a table that nothing recognises, with a long name. */
function make_files(folder) {
  const code = `import sys; sys.path.insert(0, '${ROOT}test/reference'); import merchant_files as m; print(m.write_file(m.all_files()['taobao'][0], '${folder}'))`
  const taobao = run('/usr/bin/python3', '-c', code).trim()
  const rows = Array.from({ length: 30 }, (_, n) => `K${n},2025-0${(n % 9) + 1}-11 10:00,${10 + n}.50,139${String(n % 12).padStart(8, '0')},${n < 5 ? '妥了' : '完毕'}`)
  const odd = join(folder, '本店自己记的订单'.repeat(5) + '.csv')
  writeFileSync(odd, ['编号甲,日期乙,付了丙,电话丁,状况戊', ...rows].join('\n') + '\n')
  return { taobao, odd }
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

/* As somebody who drags it out of a folder. */
async function drop(page, path) {
  const handle = await page.evaluateHandle(
    ({ bytes, name, time }) => {
      const data = new DataTransfer()
      data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { lastModified: time }))
      return data
    },
    { bytes: readFileSync(path).toString('base64'), name: basename(path), time: statSync(path).mtimeMs },
  )
  for (const event of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent('.drop', event, { dataTransfer: handle })
}
async function choose(page, label, option) {
  const box = page.getByRole('combobox', { name: label, exact: true })
  await box.press('Enter') /* as somebody with a keyboard only */
  const list = page.locator('#' + (await box.getAttribute('aria-controls')))
  await list.getByRole('option', { name: option }).first().click()
  await list.waitFor({ state: 'hidden' })
}
async function whole_text(page) {
  return (await page.locator('main').innerText()).replace(/\s+/g, ' ')
}

async function import_taobao(page, words, url, file, name) {
  await page.goto(url + '/import')
  await page.locator('.drop').waitFor()
  await look(page, name('import-empty'))
  await drop(page, file)
  await page.waitForURL('**/import/*')
  await page.locator('[data-test=start]').waitFor()
  const text = await whole_text(page)
  for (const part of ['2,044', '712', words.rejected]) assert.ok(text.includes(part), `${part} is not in: ${text.slice(0, 600)}`)
  assert.equal(await page.locator('[data-test=start]').innerText(), words.go)
  assert.ok(!/(?<!\d)1[3-9]\d{9}(?!\d)/.test(text), 'a phone stands in the clear')
  await look(page, name('import-plan'))
  await page.reload()
  await page.locator('[data-test=start]').click()
  await page.locator('a[href="/insight/repurchase"]').waitFor()
  await look(page, name('import-done'))
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a[href$="/rejects"]').click()])
  assert.equal(download.suggestedFilename(), basename(file) + '.rejects.xlsx')
  await page.locator('a[href="/insight/repurchase"]').click()
  await page.waitForURL('**/insight/repurchase')
  await page.locator('section.card').first().waitFor()
  await look(page, name('import-report'))
}

async function import_by_hand(page, words, url, file, name) {
  await page.goto(url + '/import')
  await page.setInputFiles('[data-test=files]', file)
  await page.waitForURL('**/import/*')
  await page.locator('[role=alert]').waitFor()
  await look(page, name('import-unknown'))
  const columns = { order_number: '编号甲', order_time: '日期乙', order_amount: '付了丙', phone: '电话丁', state: '状况戊' }
  for (const [kind, column] of Object.entries(columns)) await choose(page, words[kind], column)
  await look(page, name('import-mapped'))
  await page.getByRole('button', { name: words.again }).click()
  await page.locator('[data-test=start]').waitFor()
  for (const word of ['妥了', '完毕']) await choose(page, word, words.received)
  await page.getByRole('button', { name: words.again }).click()
  await page.locator('[data-test=start]', { hasText: '30' }).waitFor()
  await look(page, name('import-words'))
  await page.locator('[data-test=start]').click()
  await page.fill('input[name=map_name]', '本店')
  await page.locator('form button[type=submit]').click()
  await page.locator('[role=status]', { hasText: '本店' }).waitFor()
  await look(page, name('import-saved'))
}

async function walk(browser, folder, files, words, width) {
  make_brand(folder)
  const server = await serve(folder)
  const context = await browser.newContext({ locale: words.locale, viewport: { width, height: 900 } })
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(30_000)
    const complaints = []
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    const name = (what) => `${what}-${words.locale}-${width}`
    await page.goto(server.setup_url)
    await page.fill('input[name=name]', '林掌柜')
    await page.fill('input[name=login]', 'owner')
    await page.fill('input[name=password]', PASSWORD)
    await page.locator('button[type=submit]').click()
    await page.waitForURL((url) => !url.pathname.includes('welcome'))
    await import_taobao(page, words, server.url, files.taobao, name)
    await import_by_hand(page, words, server.url, files.odd, name)
    await page.goto(server.url + '/import')
    await page.locator('tbody tr').nth(1).waitFor()
    await look(page, name('import-past'))
    assert.equal(await page.locator('tbody tr').count(), 2)
    await page.setInputFiles('[data-test=files]', [files.taobao, files.odd])
    await page.locator('.file .state.ready').nth(1).waitFor()
    await look(page, name('import-two'))
    await page.locator('section .el-button--primary').click()
    await page.locator('tbody tr').nth(3).waitFor()
    assert.deepEqual(complaints, [], 'the browser complains')
  } finally {
    await context.close()
    const ended = new Promise((resolve) => server.process.once('exit', resolve))
    server.process.kill('SIGTERM')
    await ended
  }
}

test('imports from the drop to who comes back', { timeout: 600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'huitou-e2e-'))
  let browser
  try {
    const files = make_files(folder)
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
    for (const width of [1440, 390])
      for (const words of LANGUAGES) {
        const brand = join(folder, `brand-${words.locale}-${width}`)
        await walk(browser, brand, files, words, width)
        const orders = JSON.parse(run(BINARY, 'import', 'list', '--dir', brand, '--json')).imports
        assert.deepEqual(orders.map((one) => [one.state, one.orders_new]), [['done', 0], ['done', 0], ['done', 30], ['done', 2044]])
      }
  } finally {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
