/* One customer's page: merge with its preview, split, reveal, consent, tags, correction, hand-out, erasure; the page of merge
 * proposals; both languages, desk and phone, both themes. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { start_brand } from './support/brand.mjs'
import { LONG } from './support/fill.mjs'
import { open_browser, visit } from './support/visit.mjs'

const MAP = JSON.stringify({
  name: 'till', source: 'shop', format: 'csv', header: true, encoding: 'utf-8', time_format: '%Y-%m-%d %H:%M', time_zone: 'UTC',
  columns: { order_number: 'number', order_time: 'time', phone: 'phone', email: 'email', buyer_id: 'account', buyer_name: 'name', product_code: 'product', product_name: 'product name', quantity: 'quantity', unit_price: 'price', state: 'state', channel: 'channel', refund_amount: 'refund' },
  issuer: 'shop', states: { paid: 'paid', done: 'received' },
})
const WORDS = {
  en: { reveal: 'Show in the clear', record: 'Record', save: 'Save', takes_back: 'Takes back or refuses', merge_with: 'Merge with another', search: 'Search', preview: 'Preview', merge: 'Merge', split: 'Split off', add_tag: 'Add', correct_name: 'Correct the name', page: 'Page to read', erase: 'Erase personal data', erase_go: 'Erase for good', orders: 'Orders', refuse: 'Not one person', one: 'One person: merge', unnamed: 'Erased customer', purged: 'No file of the database' },
  'zh-CN': { reveal: '显示明文', record: '记录', save: '保存', takes_back: '撤回或拒绝', merge_with: '与另一位合并', search: '查找', preview: '预览', merge: '合并', split: '拆出', add_tag: '添加', correct_name: '更正姓名', page: '可阅读的网页', erase: '删除个人信息', erase_go: '永久删除', orders: '订单', refuse: '不是同一人', one: '是同一人：合并', unnamed: '已删除的客户', purged: '数据库文件中已不再留有' },
}
const CORRECTED = '（更正）'
/* A pair for each screen: one comes back with a rhythm, the other has bought once under another phone. */
const SCREENS = [
  { language: 'en', width: 1440, theme: 'light', phone: '13800000001', other: '13700000001', name: LONG.customers[0] },
  { language: 'zh-CN', width: 390, theme: 'light', phone: '13800000002', other: '13700000002', name: LONG.customers[1] },
  { language: 'zh-CN', width: 1440, theme: 'dark', phone: '13800000003', other: '13700000003', name: '林小月' },
  { language: 'en', width: 390, theme: 'dark', phone: '13800000004', other: '13700000004', name: '吴大有' },
]

function fill(brand) {
  const rows = [['number', 'time', 'phone', 'email', 'account', 'name', 'product', 'product name', 'quantity', 'price', 'state', 'channel', 'refund']]
  const order = (number, day, screen, phone, email, account) => rows.push([number, `${day} 10:00`, phone, email, account, screen.name, 'P1', LONG.products[0], '2', '1234.50', 'done', LONG.channels[0], number.endsWith('-3') ? '100.00' : ''])
  SCREENS.forEach((screen, n) => {
    for (let turn = 0; turn < 8; turn++) order(`N${n}-${turn}`, new Date(Date.UTC(2025, 0, 5 + n + turn * 12)).toISOString().slice(0, 10), screen, screen.phone, '', '')
    order(`N${n}-9`, '2025-03-09', screen, screen.other, '', '')
    /* Two accounts with one mail address: proposed. */
    order(`N${n}-A`, '2025-03-10', screen, '', `shared${n}@example.com`, `account-${n}-a`)
    order(`N${n}-B`, '2025-03-11', screen, '', `shared${n}@example.com`, `account-${n}-b`)
  })
  writeFileSync(join(brand.base, 'map.json'), MAP)
  writeFileSync(join(brand.base, 'orders.csv'), rows.map((row) => row.map((cell) => `"${cell}"`).join(',')).join('\n') + '\n')
  brand.run('import', 'orders', '--map', join(brand.base, 'map.json'), join(brand.base, 'orders.csv'))
  brand.knows(...SCREENS.flatMap((screen) => [screen.name + CORRECTED, screen.name]), ...LONG.products, ...LONG.channels, ...LONG.tags, 'shop')
}

let browser
before(async () => {
  browser = await open_browser()
})
after(() => browser?.close())

async function id_of(brand, phone) {
  const { items } = await brand.owner.call('GET', `/api/v1/customers/find?q=${phone}`)
  return items[0]?.customer_id
}
/* Until the panel is gone, with what it was to do; it is one of several that the page has. */
async function done(guest) {
  await guest.page.waitForFunction(() => [...document.querySelectorAll('.el-drawer')].every((one) => !one.checkVisibility()))
  await guest.settle()
}

async function walk(brand, screen) {
  const words = WORDS[screen.language]
  const guest = await visit(browser, brand, { ...screen, as: brand.owner })
  const page = guest.page
  const card = (name) => page.locator(`[data-test=${name}]`)
  const button = (name, inside = page) => inside.getByRole('button', { name, exact: true })
  const panel = page.locator('.el-drawer:visible')
  const id = await id_of(brand, screen.phone)

  await guest.go(`/customers/${id}`)
  assert.equal((await page.locator('h1').innerText()).trim(), screen.name)
  await page.getByText(`${screen.phone.slice(0, 3)}****${screen.phone.slice(-4)}`).first().waitFor()
  await guest.look('person')

  /* What they bought. */
  await button(words.orders).click()
  await card('orders').getByText(`N${SCREENS.indexOf(screen)}-3`).waitFor()
  await guest.look('person-orders')
  assert.match(page.url(), /view=orders/)

  /* In the clear, with a trace. */
  await card('reveal').click()
  await page.getByText(screen.phone).first().waitFor()
  await guest.look('person-revealed')
  const trace = await brand.owner.call('GET', `/api/v1/customers/${id}/timeline?group=access`)
  assert.equal(trace.items[0].type, 'customer.revealed')
  await guest.go(`/customers/${id}`)

  /* Tags, the name. */
  await card('tag').locator('input').fill(LONG.tags[0])
  await page.keyboard.press('Enter')
  await button(words.add_tag, card('service')).click()
  await card('service').locator('.tags').getByText(LONG.tags[0]).waitFor()
  await button(words.correct_name).click()
  await panel.locator('input[name=value]').fill(screen.name + CORRECTED)
  await button(words.save, panel).click()
  await done(guest)

  /* Consent given, then taken back. */
  await button(words.record, card('consent')).click()
  await button(words.save, panel).click()
  await panel.locator('.el-form-item__error').waitFor() /* nothing shows it */
  guest.complaints.splice(0) /* the 422 that was meant */
  await panel.locator('textarea[name=evidence]').fill('2025-05-01')
  await guest.look('person-consent')
  await button(words.save, panel).click()
  await done(guest)
  await button(words.record, card('consent')).click()
  await button(words.takes_back, panel).click()
  await button(words.save, panel).click()
  await done(guest)
  const { standing } = await brand.owner.call('GET', `/api/v1/customers/${id}/consents`)
  assert.ok(standing.filter((one) => one.purpose === 'marketing').every((one) => one.told && !one.given))

  /* Merge, with the one person that would be; and back. */
  await button(words.merge_with).click()
  await panel.locator('input[name=other]').fill(screen.other)
  await button(words.search, panel).click()
  await button(words.preview, panel).first().click()
  await panel.locator('[data-test=together]').waitFor()
  assert.match(await panel.locator('[data-test=together] dd').first().innerText(), /^9$/)
  await guest.look('person-merge')
  await button(words.merge, panel).click()
  await done(guest)
  assert.equal(await id_of(brand, screen.other), id)
  await guest.look('person-merged')
  await card('merge').getByRole('button', { name: words.split }).first().click()
  await button(words.split, panel).click()
  await done(guest)
  assert.notEqual(await id_of(brand, screen.other), id)

  /* All that is kept, to hand out. */
  const [download] = await Promise.all([page.waitForEvent('download'), button(words.page).click()])
  const text = readFileSync(await download.path(), 'utf8')
  assert.ok(text.includes(screen.phone) && text.includes(screen.name), 'the page that is handed out')

  /* A file that somebody gave and did not import: it may name them. */
  brand.knows('held.csv')
  const given = await fetch(`${brand.owner.url}/api/v1/imports?name=held.csv`, { method: 'POST', headers: { Cookie: brand.owner.cookie, 'X-CSRF-Token': brand.owner.csrf_token }, body: 'number,phone\n' })
  assert.ok(given.ok, await given.text())

  /* Erasure asks for the number. */
  const before_it = await brand.owner.call('GET', '/api/v1/reports/totals')
  await button(words.erase).click()
  await panel.locator('input[name=confirm]').fill('nobody')
  await button(words.erase_go, panel).click()
  await panel.locator('.el-form-item__error').waitFor()
  guest.complaints.splice(0)
  await guest.look('person-erase')
  await panel.locator('input[name=confirm]').fill(id)
  await button(words.erase_go, panel).click()
  await card('erased').waitFor()
  await guest.settle()
  assert.match(await card('holding').getByRole('link', { name: 'held.csv' }).first().getAttribute('href'), /^\/import\/\d+$/)
  await card('purged').getByText(words.purged).waitFor() /* the page finds out by itself */
  assert.equal((await page.locator('h1').innerText()).trim(), words.unnamed)
  assert.equal(await id_of(brand, screen.phone), undefined)
  assert.deepEqual((await brand.owner.call('GET', '/api/v1/reports/totals')).sections, before_it.sections)
  await guest.look('person-erased')
  await guest.close()
}

async function decide(brand, screen) {
  const words = WORDS[screen.language]
  const guest = await visit(browser, brand, { ...screen, as: brand.owner })
  await guest.go('/customers/proposals')
  const proposals = guest.page.locator('[data-test=proposal]')
  const count = await proposals.count()
  assert.ok(count > 0, 'there are proposals')
  await guest.look('proposals')
  const one = proposals.first()
  const name = SCREENS.indexOf(screen) % 2 ? words.refuse : words.one
  await one.getByRole('button', { name, exact: true }).click()
  await guest.page.waitForFunction((n) => document.querySelectorAll('[data-test=proposal]').length === n, count - 1)
  await guest.look('proposals-after')
  await guest.close()
}

test('one customer, and who may be one person', { timeout: 900_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House 茶舍', currency: 'CNY', time_zone: 'Asia/Shanghai', fill })
  context.after(() => brand.stop())
  for (const screen of SCREENS) {
    await context.test(`${screen.language} ${screen.width}`, async () => {
      await walk(brand, screen)
      await decide(brand, screen)
    })
  }
})
