/* A merchant's GB18030 file from the drop to the repurchase page, and a table that is mapped by hand, in both languages, at
 * desk and phone width. What the pages say is what test/reference/merchant_files.py put into the file. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import { ROOT, start_brand } from './support/brand.mjs'
import { open_browser, visit } from './support/visit.mjs'

const WORDS = {
  en: { order_number: 'Order number', order_time: 'Order time', order_amount: 'Order amount', phone: "Buyer's phone", state: 'State', received: 'received', again: 'Check again', go: 'Import 2,044 orders', rejected: '6 rows would be rejected' },
  'zh-CN': { order_number: '订单号', order_time: '下单时间', order_amount: '整单实付', phone: '买家手机', state: '订单状态', received: '已收货', again: '重新检查', go: '导入 2,044 个订单', rejected: '有 6 行会被拒' },
}
const SCREENS = [
  { language: 'zh-CN', width: 1440, theme: 'light' },
  { language: 'en', width: 1440, theme: 'dark' },
  { language: 'zh-CN', width: 390, theme: 'dark' },
  { language: 'en', width: 390, theme: 'light' },
]

let browser, folder, files
/* The file as merchant_files.py makes it, and a table that nothing recognises, with a name of 40 characters. */
function make_files() {
  const code = `import sys; sys.path.insert(0, '${ROOT}test/reference'); import merchant_files as m; print(m.write_file(m.all_files()['taobao'][0], '${folder}'))`
  const made = spawnSync('/usr/bin/python3', ['-c', code], { encoding: 'utf8' })
  assert.equal(made.status, 0, made.stderr)
  const rows = Array.from({ length: 30 }, (_, n) => `K${n},2025-0${(n % 9) + 1}-11 10:00,${10 + n}.50,139${String(n % 12).padStart(8, '0')},${n < 5 ? '妥了' : '完毕'}`)
  const odd = join(folder, '本店自己记的订单'.repeat(5) + '.csv')
  writeFileSync(odd, ['编号甲,日期乙,付了丙,电话丁,状况戊', ...rows].join('\n') + '\n')
  return { taobao: made.stdout.trim(), odd }
}
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'huitou-e2e-import-'))
  files = make_files()
  browser = await open_browser()
})
after(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

/* As somebody who drags it out of a folder. */
async function drop(page, path) {
  const handle = await page.evaluateHandle(
    ({ bytes, name, time }) => {
      const data = new DataTransfer()
      data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { lastModified: time }))
      return data
    },
    { bytes: readFileSync(path).toString('base64'), name: basename(path), time: Math.floor(statSync(path).mtimeMs) },
  )
  for (const event of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent('.drop', event, { dataTransfer: handle })
}
/* As somebody with a keyboard only opens it. */
async function choose(page, label, option) {
  const box = page.getByRole('combobox', { name: label, exact: true })
  await box.press('Enter')
  const list = page.locator('#' + (await box.getAttribute('aria-controls')))
  await list.getByRole('option', { name: option }).first().click()
  await list.waitFor({ state: 'hidden' })
}

async function import_taobao(guest, words) {
  const { page } = guest
  await guest.go('/import')
  await guest.look('import-empty')
  await drop(page, files.taobao)
  await page.waitForURL('**/import/*')
  await page.locator('[data-test=start]').waitFor()
  const text = (await page.locator('main').innerText()).replace(/\s+/g, ' ')
  for (const part of ['2,044', '712', words.rejected]) assert.ok(text.includes(part), `${part} is not in: ${text.slice(0, 600)}`)
  assert.equal((await page.locator('[data-test=start]').innerText()).trim(), words.go)
  assert.ok(!/(?<!\d)1[3-9]\d{9}(?!\d)/.test(text), 'a phone stands in the clear')
  await guest.look('import-plan')
  await page.reload()
  await page.locator('[data-test=start]').click()
  await page.locator('a[href="/insight/repurchase"].el-button').waitFor()
  await guest.look('import-done')
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a[href$="/rejects"]').click()])
  assert.equal(download.suggestedFilename(), basename(files.taobao) + '.rejects.xlsx')
  await page.locator('a[href="/insight/repurchase"].el-button').click()
  await page.waitForURL('**/insight/repurchase')
  await page.locator('section.card').first().waitFor()
  await guest.settle()
}

async function import_by_hand(guest, words) {
  const { page } = guest
  await guest.go('/import')
  await page.setInputFiles('[data-test=files]', files.odd)
  await page.waitForURL('**/import/*')
  await page.locator('[role=alert]').waitFor()
  await guest.look('import-unknown')
  const columns = { order_number: '编号甲', order_time: '日期乙', order_amount: '付了丙', phone: '电话丁', state: '状况戊' }
  for (const [kind, column] of Object.entries(columns)) await choose(page, words[kind], column)
  await guest.look('import-mapped')
  await page.getByRole('button', { name: words.again }).click()
  await page.locator('[data-test=start]').waitFor()
  for (const word of ['妥了', '完毕']) await choose(page, word, words.received)
  await page.getByRole('button', { name: words.again }).click()
  await page.locator('[data-test=start]', { hasText: '30' }).waitFor()
  await guest.look('import-words')
  await page.locator('[data-test=start]').click()
  await page.fill('input[name=map_name]', '本店')
  await page.locator('form button[type=submit]').click()
  await page.locator('[role=status]', { hasText: '本店' }).waitFor()
  await guest.look('import-saved')
}

/* What is listed may still be running. */
async function ended(brand) {
  for (let tries = 0; ; tries++) {
    const { items } = await brand.owner.call('GET', '/api/v1/imports')
    if (items.every((one) => one.state === 'done') || tries === 200) return items
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function import_both_again(guest) {
  const { page } = guest
  await guest.go('/import')
  await page.locator('tbody tr').nth(1).waitFor()
  assert.equal(await page.locator('tbody tr').count(), 2)
  await page.setInputFiles('[data-test=files]', [files.taobao, files.odd])
  await page.locator('.file .state.ready').nth(1).waitFor()
  await guest.look('import-two')
  await page.locator('.el-button--primary').click()
  await page.locator('tbody tr').nth(3).waitFor()
  await guest.look('import-past')
}

for (const screen of SCREENS) {
  test(`imports, ${screen.language}, ${screen.width} px`, { timeout: 300_000 }, async (context) => {
    const brand = await start_brand({ name: 'Tea House 茶舍', currency: 'CNY', time_zone: 'Asia/Shanghai' })
    context.after(() => brand.stop())
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    const words = WORDS[screen.language]
    await import_taobao(guest, words)
    await import_by_hand(guest, words)
    await import_both_again(guest)
    const items = await ended(brand)
    assert.deepEqual(items.map((one) => [one.state, one.orders_new, one.orders_same]), [['done', 0, 30], ['done', 0, 2044], ['done', 30, 0], ['done', 2044, 0]])
    await guest.close()
  })
}
