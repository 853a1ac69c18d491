/* What was done to many customers at once: listed with who, when and how many, page by page, and taken back by a press; on
 * each kind of screen, with long names, and with nothing yet. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { start_brand } from './support/brand.mjs'
import { add_long_staff, fill_long_names, LONG } from './support/fill.mjs'
import { open_browser, visit } from './support/visit.mjs'

const WORDS = {
  en: { undo: 'Take back', back: 'Taken back', older: 'Older', newer: 'Newer', open: 'Past changes', bring: 'Bring in orders' },
  'zh-CN': { undo: '撤销', back: '已撤销', older: '较早', newer: '较新', open: '批量更改记录', bring: '导入订单' },
}
const SCREENS = [
  { language: 'zh-CN', width: 1440, theme: 'light' },
  { language: 'en', width: 1440, theme: 'dark' },
  { language: 'zh-CN', width: 390, theme: 'dark' },
  { language: 'en', width: 390, theme: 'light' },
]
const BUYERS = 24 /* of fill_long_names */
const ON_A_PAGE = 50

let browser
before(async () => {
  browser = await open_browser()
})
after(() => browser?.close())

async function ended(caller, bulk) {
  for (let tries = 0; tries < 200; tries++) {
    const now = await caller.call('GET', `/api/v1/bulks/${bulk.bulk_id}`)
    if (now.state !== 'running') return now
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail('the change does not end')
}
async function change(caller, body) {
  return ended(caller, await caller.call('POST', '/api/v1/bulks', { selection: {}, ...body }))
}
/* How many have the tag, once the list knows it. */
async function tagged(brand, tag, expected) {
  for (let tries = 0; ; tries++) {
    const { customers } = await brand.owner.call('GET', '/api/v1/customers?' + new URLSearchParams({ tag }))
    if (customers === expected || tries === 100) return customers
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
async function long_brand(context) {
  const brand = await start_brand({ name: LONG.brand, currency: 'CNY', time_zone: 'Asia/Shanghai', fill: fill_long_names, owner: { name: LONG.staff } })
  context.after(() => brand.stop())
  await add_long_staff(brand)
  return brand
}

test('listed and taken back', { timeout: 600_000 }, async (context) => {
  const brand = await long_brand(context)
  const { items: staff } = await brand.owner.call('GET', '/api/v1/staff')
  const keeper = staff.find((one) => one.name === LONG.agent)
  await change(brand.owner, { action: 'keeper', keeper_id: keeper.staff_id })
  await change(brand.owner, { action: 'tag', tag: LONG.tags[1], until: '2099-12-31' })
  await change(brand.owner, { action: 'untag', tag: LONG.tags[0] })
  /* What an agent did is in the owner's list; what others did is not in the agent's. */
  const agent = await brand.log_in('agent-of-the-east')
  await change(agent, { action: 'tag', tag: LONG.tags[0] })

  for (const [turn, screen] of SCREENS.entries()) {
    const words = WORDS[screen.language]
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    const { page } = guest
    await guest.go('/customers')
    await page.getByRole('link', { name: words.open }).click()
    await page.waitForURL('**/customers/changes')
    await guest.settle()
    const done = page.locator('tr[data-test=change]')
    assert.equal(await done.count(), 4)
    /* The newest first: the agent's, with their name, all the customers who had lost the tag. */
    const text = (await done.first().innerText()).replace(/\s+/g, ' ')
    assert.ok(text.includes(LONG.tags[0]) && text.includes(LONG.agent), text)
    assert.match(text, screen.language === 'en' ? /24 of 24/ : /24 \/ 24/)
    await guest.look('changes')

    /* Each screen takes back the newest that is not yet. It is asked first what will happen; no is no. */
    const before_it = await brand.owner.call('GET', '/api/v1/bulks')
    const newest = done.filter({ has: page.getByRole('button', { name: words.undo }) }).first()
    await newest.getByRole('button', { name: words.undo }).click()
    assert.match(await newest.getByRole('status').innerText(), /\d/)
    await guest.look('changes-asked')
    await newest.getByRole('button').last().click()
    assert.equal((await brand.owner.call('GET', '/api/v1/bulks')).items.length, before_it.items.length, 'cancelled: nothing happened')
    await newest.getByRole('button', { name: words.undo }).click()
    await newest.locator('.ask .el-button--primary').click()
    await page.locator('tr[data-test=change-back]').nth(turn).waitFor()
    await page.locator('tr[data-test=change-back] [data-state=done]').nth(turn).waitFor()
    const { items } = await brand.owner.call('GET', '/api/v1/bulks')
    const back = items[0]
    const original = before_it.items.find((one) => one.bulk_id === back.undo_of)
    assert.ok(original && !original.undo_of && !original.undone_by)
    assert.equal((await ended(brand.owner, back)).changed, original.changed)
    assert.equal(await done.getByText(words.back, { exact: true }).count(), turn + 1)
    await guest.look('changes-taken-back')
    await guest.close()
  }
  /* All four are: one customer has the tags, as after the import, and nobody is handed over to anybody. */
  for (const tag of LONG.tags) assert.equal(await tagged(brand, tag, 1), 1)
  assert.equal((await brand.owner.call('GET', `/api/v1/customers?keeper=${keeper.staff_id}`)).customers, 0)

  const guest = await visit(browser, brand, { ...SCREENS[3], as: agent })
  await guest.go('/customers/changes')
  assert.equal(await guest.page.locator('tr[data-test]').count(), 1, 'an agent sees their own')
  /* Nobody is theirs any more, though the brand has orders: they are not sent to import any. */
  await guest.go('/customers')
  await guest.look('none-mine')
  assert.equal(await guest.page.locator('[data-test=no-orders]').count(), 0)
  await guest.close()
})

test('by pages, and while it runs', { timeout: 300_000 }, async (context) => {
  const brand = await long_brand(context)
  const { items: people } = await brand.owner.call('GET', '/api/v1/customers?limit=1')
  const selection = { ids: people[0].customer_id }
  for (let i = 0; i < ON_A_PAGE + 3; i++) await brand.owner.call('POST', '/api/v1/bulks', { action: 'tag', tag: `t${i}`, selection })
  for (let i = 0; i < ON_A_PAGE + 3; i++) brand.knows(`t${i}`)
  const words = WORDS.en
  const guest = await visit(browser, brand, { ...SCREENS[1], as: brand.owner })
  const { page } = guest
  await guest.go('/customers/changes')
  assert.equal(await page.locator('tr[data-test]').count(), ON_A_PAGE)
  await page.getByRole('button', { name: words.older }).click()
  await page.waitForURL('**cursor=**')
  await page.locator('tr[data-test]').nth(2).waitFor()
  await guest.settle()
  assert.equal(await page.locator('tr[data-test]').count(), 3)
  await page.reload()
  await guest.settle()
  assert.match(await page.locator('tr[data-test]').last().innerText(), /“t0”/)
  await page.getByRole('button', { name: words.newer }).click()
  await page.waitForURL((url) => !url.search)
  await page.locator('tr[data-test]').nth(ON_A_PAGE - 1).waitFor()

  /* As it stands in the middle of a large one, and one that was stopped. */
  const list = await brand.owner.call('GET', '/api/v1/bulks?limit=2')
  Object.assign(list.items[0], { state: 'running', customers: 812_345, done: 400_000, changed: 398_001, finished_at: null })
  Object.assign(list.items[1], { state: 'stopped', customers: 812_345, done: 400_000, changed: 398_001 })
  for (const screen of SCREENS) {
    const other = await visit(browser, brand, { ...screen, as: brand.owner })
    await other.page.route('**/api/v1/bulks*', (route) => route.fulfill({ json: list }))
    await other.go('/customers/changes')
    await other.look('changes-running')
    await other.close()
  }
  await guest.close()
})

test('nothing yet', { timeout: 300_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House 茶舍' })
  context.after(() => brand.stop())
  for (const screen of SCREENS) {
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    await guest.go('/customers/changes')
    await guest.look('changes-none')
    /* Where there are no orders, each page says so and leads to the import. */
    for (const path of ['/today', '/customers']) {
      await guest.go(path)
      await guest.look('no-orders-' + path.slice(1))
      await guest.page.locator('[data-test=no-orders]').getByRole('link', { name: WORDS[screen.language].bring }).click()
      await guest.page.waitForURL('**/import')
    }
    await guest.close()
  }
})
