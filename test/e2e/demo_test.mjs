/* The first five minutes: the set-up link → look around in the demo brand → who comes back → remove it → the link's page again →
 * a brand of one's own → its GB18030 file from Taobao → who comes back there. In both languages, at desk and phone width, what holds
 * of every page (support/check.mjs) holds of these. Says how many presses and seconds each way took. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { PASSWORD, ROOT, start_brand } from './support/brand.mjs'
import { open_browser, visit } from './support/visit.mjs'

const SCREENS = [
  { language: 'zh-CN', width: 1440, theme: 'light' },
  { language: 'en', width: 1440, theme: 'dark' },
  { language: 'zh-CN', width: 390, theme: 'dark' },
  { language: 'en', width: 390, theme: 'light' },
]
const BRAND = { 'zh-CN': '一家名字相当长的茶叶店', en: 'A tea shop with quite a long name' }
/* What the demo shows of itself. */
const DEMO_NAMES = ['Demo gift shop', '演示礼品店', 'Demo owner', '演示品牌方', 'Grace Lin', '林嘉怡', 'Thomas Reed', '沈文博', 'Min Wang', '王敏', 'Emma Hughes', '赵雨桐', 'Lei Zhao', '孙浩然', 'Yue Sun', '何欣怡', 'demo.owner', 'demo.operator', 'demo.service', 'demo.client', 'demo.agent1', 'demo.agent2', 'demo.agent3', 'orders-past-year.csv', 'orders-last-week.csv', '历史订单-过去一年.csv', '最近一周订单.csv']

/* Where the data's source is named, and that file is GB18030: test/reference/merchant_files.py makes it by a seed. */
function taobao_file(folder) {
  const script = "import sys; sys.path.insert(0, 'test/reference'); import merchant_files as m; print(m.write_file(m.all_files()['taobao'][0], sys.argv[1]))"
  const done = spawnSync('/usr/bin/python3', ['-c', script, folder], { cwd: ROOT, encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
  return done.stdout.trim()
}

/* Presses and seconds on one way. */
class Way {
  constructor(page) {
    Object.assign(this, { page, presses: 0, spent_ms: 0 })
  }

  async press(selector, until) {
    const began = Date.now()
    this.presses++
    await this.page.locator(selector).first().click()
    await until()
    this.spent_ms += Date.now() - began
  }

  told() {
    return `${this.presses} presses, ${(this.spent_ms / 1000).toFixed(1)} s of waiting`
  }
}

async function looks_around(guest) {
  const { page, brand } = guest
  const way = new Way(page)
  await page.goto(brand.setup_url)
  await page.locator('[data-test=look]').waitFor()
  await guest.look('demo-1-welcome')
  await way.press('[data-test=look]', async () => {
    await page.locator('[data-test=making] .el-progress').waitFor()
    await guest.shoot('demo-2-making')
    await page.waitForURL('**/insight/repurchase', { timeout: 120_000 })
    await page.locator('section.card').first().waitFor()
  })
  console.log(`${guest.name_of('to the repurchase page of the demo')}: ${way.told()}`)
  assert.match(await page.locator('#content').innerText(), /4,338/, 'its customers')
  await guest.look('demo-3-repurchase')
}

async function walks_in_demo(guest) {
  for (const [index, path] of ['/insight', '/insight/overdue', '/import', '/settings/staff', '/settings/account'].entries()) {
    await guest.go(path)
    assert.equal(await guest.page.locator('[data-test=demo-strip]').count(), 1, `the strip on ${path}`)
    await guest.look(`demo-4${index}`)
  }
  /* An import that no browser made: its rejected rows are elsewhere, and the page says where. */
  await guest.go('/import')
  await guest.page.locator('a[href^="/import/"]').first().click()
  await guest.page.locator('[data-test=rejected]').waitFor()
  await guest.look('demo-4-import')
}

async function removes(guest) {
  const { page, brand } = guest
  await page.click('[data-test=demo-remove]')
  await page.locator('[data-test=demo-remove-yes]').waitFor()
  await guest.look('demo-5-asks')
  await page.click('[data-test=demo-remove-yes]')
  await page.waitForURL('**/welcome#*')
  await page.locator('[data-test=own]').waitFor()
  await guest.settle()
  assert.deepEqual(readdirSync(brand.folder), [], 'nothing of it is left on disk')
}

async function brings_own(guest, file) {
  const { page } = guest
  const way = new Way(page)
  await way.press('[data-test=own]', () => page.locator('input[name=brand_name]').waitFor())
  await page.fill('input[name=brand_name]', BRAND[guest.language])
  /* What Taobao's amounts are in: an English browser proposes dollars. */
  await page.getByRole('combobox').first().click()
  await page.getByRole('combobox').first().fill('CNY')
  await page.locator('.el-select-dropdown__item:visible').filter({ hasText: 'CNY' }).first().click()
  await page.fill('input[name=name]', '林掌柜')
  await page.fill('input[name=login]', 'owner')
  await page.fill('input[name=password]', PASSWORD)
  await guest.look('demo-6-own')
  await way.press('button[type=submit]', () => page.waitForURL('**/import'))
  await guest.settle()
  assert.equal(await page.locator('[data-test=demo-strip]').count(), 0, 'a strip on a brand of one\'s own')
  await guest.go('/insight')
  await page.locator('[data-test=no-orders]').waitFor()
  await guest.look('demo-7-empty')
  await guest.go('/import')
  /* Dropping a file is one move of the hand: a press. How the plan is set is looked at by the import's own browser test. */
  way.presses++
  const dropped = Date.now()
  await page.setInputFiles('[data-test=files]', file)
  await page.locator('[data-test=start]').waitFor()
  way.spent_ms += Date.now() - dropped
  await guest.shoot('demo-8-plan')
  await way.press('[data-test=start]', () => page.locator('a[href="/insight/repurchase"]').first().waitFor())
  await guest.shoot('demo-9-outcome')
  await way.press('a[href="/insight/repurchase"]', () => page.locator('section.card').first().waitFor())
  console.log(`${guest.name_of('to the repurchase page of one\'s own file')}: ${way.told()}, and a form of four fields`)
  await guest.look('demo-10-own-repurchase')
}

let browser, folder, file
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'huitou-demo-e2e-'))
  file = taobao_file(folder)
  browser = await open_browser()
})
after(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

for (const screen of SCREENS)
  test(`the first five minutes, ${screen.language} ${screen.width} ${screen.theme}`, { timeout: 400_000 }, async (context) => {
    const brand = await start_brand()
    context.after(() => brand.stop())
    brand.knows('林掌柜', 'owner', ...Object.values(BRAND), ...DEMO_NAMES)
    const guest = await visit(browser, brand, screen)
    await looks_around(guest)
    await walks_in_demo(guest)
    await removes(guest)
    await brings_own(guest, file)
    await guest.close()
  })
