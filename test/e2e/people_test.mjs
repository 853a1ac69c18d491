/* Today, the customers behind every figure, the list of customers: in each language, width and theme, with a real shop's data
 * and with long names. A cell of the cohorts and one of R/F/M open exactly as many customers as they say; filters stand in
 * the address; many customers are tagged at once, and that is taken back. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { start_brand } from './support/brand.mjs'
import { add_long_staff, fill_long_names, fill_online_retail, LONG } from './support/fill.mjs'
import { open_browser, visit } from './support/visit.mjs'

const SCREENS = [
  { language: 'zh-CN', width: 1440, theme: 'light' },
  { language: 'en', width: 1440, theme: 'dark' },
  { language: 'zh-CN', width: 390, theme: 'dark' },
  { language: 'en', width: 390, theme: 'light' },
]

let browser
before(async () => {
  browser = await open_browser()
})
after(() => browser?.close())

function number_in(text) {
  return Number(/[\d,]+/.exec(text)[0].replace(/,/g, ''))
}
/* How many the list says that it holds. */
async function count_of(guest) {
  await guest.settle()
  return number_in(await guest.page.locator('[data-test=count] b').innerText())
}

test('pages with a real shop', { timeout: 600_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House 茶舍', fill: fill_online_retail })
  context.after(() => brand.stop())
  brand.knows('France', 'nobody') /* in sentences */
  const first = (await brand.owner.call('GET', '/api/v1/customers?limit=1')).items[0]
  const ids = `/customers?ids=${first.customer_id}`
  for (const screen of SCREENS) {
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    for (const [name, path] of [
      ['today', '/today'],
      ['customers', '/customers'],
      ['filtered', '/customers?days_min=2&amount_min=1000&channel=France&sort=amount&first_from=2011-01-01&first_to=2011-06-30'],
      ['nobody', '/customers?days_min=500'],
      ['not-found', '/customers?q=nobody'],
      ['one', ids],
    ]) {
      await guest.go(path)
      await guest.look(name)
    }
    await guest.close()
  }
})

test('long names', { timeout: 600_000 }, async (context) => {
  const brand = await start_brand({ name: LONG.brand, currency: 'CNY', time_zone: 'Asia/Shanghai', fill: fill_long_names })
  context.after(() => brand.stop())
  await add_long_staff(brand)
  const { items: staff } = await brand.owner.call('GET', '/api/v1/staff')
  const keeper = staff.find((one) => one.name === LONG.agent)
  const { items } = await brand.owner.call('GET', '/api/v1/customers?limit=3')
  for (const one of items) await brand.owner.call('PUT', `/api/v1/customers/${one.customer_id}/keeper`, { staff_id: keeper.staff_id })
  const query = new URLSearchParams({ tag: LONG.tags[0], channel: LONG.channels[0] })
  for (const screen of SCREENS) {
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    for (const path of ['/today', '/customers', `/customers?${query}`, `/customers?keeper=${keeper.staff_id}`]) {
      await guest.go(path)
      await guest.look(`long-${path.slice(1, 12).replace(/\W/g, '_')}-${path.length}`)
    }
    await guest.go('/customers')
    await guest.page.click('[data-test=filters]')
    await guest.look('long-filters')
    await guest.close()
  }
})

/* The text of a link in a table of a report, and where it leads. */
async function open_cell(guest, section, text_of_row) {
  const row = guest.page.locator(`section[data-section=${section}] tbody tr`, { hasText: text_of_row }).first()
  const link = row.locator('td.cell a').nth(1)
  const text = await link.innerText()
  const cohort = number_in(await row.locator('td.figure').first().innerText())
  await link.click()
  await guest.page.waitForURL('**/customers?**')
  return { text, cohort }
}

test('figures open their customers', { timeout: 300_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House', fill: fill_online_retail })
  context.after(() => brand.stop())
  const guest = await visit(browser, brand, { language: 'en', width: 1440, as: brand.owner })

  /* A month of a cohort: 36.3 % of 415 is 151. */
  await guest.go('/insight/cohorts')
  const cell = await open_cell(guest, 'retention', 'Jan 2011')
  assert.equal(Math.round(await count_of(guest)), Math.round((parseFloat(cell.text) / 100) * cell.cohort))
  assert.match(await guest.page.locator('[data-test=figure]').innerText(), /Cohort retention · Retention/)
  await guest.look('behind-cohort')

  /* R 5, F 5. */
  await guest.go('/insight/rfm')
  const link = guest.page.locator('section[data-section=cells] tbody tr').first().locator('td.cell a').last()
  const customers = number_in(await link.innerText())
  await link.click()
  await guest.page.waitForURL('**/customers?**')
  assert.equal(await count_of(guest), customers)
  const address = new URL(guest.page.url()).searchParams
  assert.equal(address.get('r'), '5')
  assert.equal(address.get('f'), '5')
  assert.equal(address.get('m'), null)
  await guest.look('behind-rfm')

  /* And back to the report that it came from. */
  await guest.page.locator('[data-test=figure] a').click()
  await guest.page.waitForURL('**/insight/rfm**')

  /* From today's page. */
  await guest.go('/today')
  const figure = guest.page.locator('.figure-card').nth(1).locator('.value a')
  const returning = number_in(await figure.innerText())
  await figure.click()
  assert.equal(await count_of(guest), returning)
  await guest.close()
})

test('find, filter, tag many and take it back', { timeout: 300_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House', fill: fill_online_retail })
  context.after(() => brand.stop())
  const guest = await visit(browser, brand, { language: 'en', width: 1440, as: brand.owner })
  const { page } = guest
  await guest.go('/customers')
  const all = await count_of(guest)

  /* A filter, by hand: at least five purchase days, as the report says: 1,026 (frequency, repurchase). */
  await page.click('[data-test=filters]')
  await page.fill('input[name=days_min]', '5')
  await page.click('.el-drawer:visible button[type=submit]')
  await page.waitForURL('**days_min=5**')
  const five = (await brand.owner.call('GET', '/api/v1/reports/repurchase')).sections.repurchase[0].five_plus_days
  assert.equal(await count_of(guest), five)
  assert.ok(five < all)

  /* Who has not bought since a day, by its end alone; it stands in the panel again. */
  await page.click('[data-test=filters]')
  await page.fill('input[name=last_to]', '2011-03-31')
  await page.keyboard.press('Enter')
  await page.click('.el-drawer:visible button[type=submit]')
  await page.waitForURL('**last_to=2011-03-31**')
  const gone = await brand.owner.call('GET', '/api/v1/customers?days_min=5&last_to=2011-03-31&limit=0')
  assert.equal(await count_of(guest), gone.customers)
  assert.ok(gone.customers > 0 && gone.customers < five)
  await page.click('[data-test=filters]')
  assert.equal(await page.locator('input[name=last_to]').inputValue(), '2011-03-31')
  await page.fill('input[name=last_to]', '')
  await page.keyboard.press('Enter')
  await page.click('.el-drawer:visible button[type=submit]')
  await page.waitForURL((url) => !url.search.includes('last_to'))
  assert.equal(await count_of(guest), five)

  /* All of them. */
  await page.locator('thead .el-checkbox').click()
  await page.getByRole('button', { name: `Choose all ${five.toLocaleString('en')}` }).click()
  await page.getByRole('button', { name: 'Tag or hand over' }).click()
  await guest.look('bulk')
  await page.locator('.el-drawer:visible .el-select').first().click()
  await page.keyboard.type('Comes back')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: /^Change/ }).click()
  await page.getByText(`Done: ${five.toLocaleString('en')} customers changed`).waitFor()
  await guest.look('bulk-done')
  await guest.go('/customers?tag=Comes%20back')
  for (let tries = 0; (await count_of(guest)) !== five && tries < 20; tries++) await page.reload()
  assert.equal(await count_of(guest), five)

  /* Taken back, from where it was done. */
  const { items } = await brand.owner.call('GET', '/api/v1/bulks')
  assert.equal(items[0].changed, five)
  await brand.owner.call('POST', `/api/v1/bulks/${items[0].bulk_id}/undo`)
  for (let tries = 0; tries < 60; tries++) {
    await guest.go('/customers?tag=Comes%20back')
    if (await page.getByText('Nobody found').isVisible()) break
  }
  assert.ok(await page.getByText('Nobody found').isVisible())

  /* The order of a column, and its columns, stay. */
  await guest.go('/customers')
  await page.getByRole('button', { name: 'Orders' }).click()
  await page.waitForURL('**sort=orders**')
  await guest.settle()
  const top = (await brand.owner.call('GET', '/api/v1/customers?sort=orders&limit=1')).items[0]
  assert.equal(number_in(await page.locator('tbody tr').first().locator('td.figure').first().innerText()), top.orders)
  await page.click('[data-test=columns]')
  await page.getByRole('checkbox', { name: 'First purchase' }).locator('xpath=..').click()
  await page.keyboard.press('Escape')
  await page.reload()
  await guest.settle()
  assert.ok(await page.getByRole('columnheader', { name: 'First purchase' }).isVisible())

  /* By number, from the search. */
  await page.fill('input[name=q]', '12748')
  await page.keyboard.press('Enter')
  await page.waitForURL('**q=12748**')
  assert.equal(await count_of(guest), 1)
  await guest.close()
})
