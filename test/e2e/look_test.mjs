/* Every page, in every language, width and theme (each pair of them at least once), with a real shop's data and with names
 * as long as they come: support/check.mjs says what must hold. HUITOU_SHOTS=folder keeps each as a picture. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { start_brand } from './support/brand.mjs'
import { add_long_staff, fill_long_names, fill_online_retail, LONG } from './support/fill.mjs'
import { open_browser, visit } from './support/visit.mjs'

/* Each language, width and theme meets each other one. */
const SCREENS = [
  { language: 'zh-CN', width: 1440, theme: 'light' },
  { language: 'en', width: 1440, theme: 'dark' },
  { language: 'zh-CN', width: 390, theme: 'dark' },
  { language: 'en', width: 390, theme: 'light' },
]
const SETTINGS = ['account', 'staff', 'roles', 'keys', 'audit', 'backups', 'security', 'system']
const OTHER_PLACES = ['/today', '/customers', '/customers/changes', '/import', '/nowhere', ...SETTINGS.map((place) => '/settings/' + place)]

let browser
before(async () => {
  browser = await open_browser()
})
after(() => browser?.close())

function name_of(path) {
  return path.replace(/^\//, '').replace(/[^a-z0-9-]+/gi, '_') || 'first'
}
async function reports_of(brand) {
  const { items } = await brand.owner.call('GET', '/api/v1/reports')
  return items.map((one) => `/insight/${one.name}`)
}

/* All that is found on all screens. */
async function look_at_all(brand, what, paths, screens = SCREENS) {
  const found = []
  for (const screen of screens) {
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    for (const path of paths) {
      await guest.go(path)
      await guest.look(`${what}-${name_of(path)}`)
    }
    found.push(...(await guest.leave()))
  }
  assert.deepEqual(found, [])
}

test('a real shop', { timeout: 900_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House 茶舍', fill: fill_online_retail })
  context.after(() => brand.stop())
  const reports = await reports_of(brand)
  await look_at_all(brand, 'retail', ['/insight', ...reports, ...OTHER_PLACES])
  await look_at_all(brand, 'retail', reports.map((path) => path + '?view=table'), SCREENS.slice(3))
})

test('long names', { timeout: 900_000 }, async (context) => {
  for (const [name, screens] of [[LONG.brand, SCREENS.slice(0, 3)], [LONG.brand_latin, SCREENS.slice(3)]]) {
    const brand = await start_brand({ name, currency: 'CNY', time_zone: 'Asia/Shanghai', fill: fill_long_names, owner: { name: LONG.staff, login: 'owner-of-a-long-login-name@example.com' } })
    context.after(() => brand.stop())
    await add_long_staff(brand)
    await brand.owner.call('POST', '/api/v1/keys', { name: LONG.agent, scopes: ['reports:read', 'customers:read', 'customers:write', 'orders:import', 'settings:read', 'system:read'] })
    brand.knows(LONG.agent)
    await look_at_all(brand, name === LONG.brand ? 'long' : 'latin', ['/insight', ...(await reports_of(brand)), ...OTHER_PLACES], screens)
  }
})

/* What lies over a page: calendars, lists, menus, panels. */
test('what opens', { timeout: 300_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House 茶舍', currency: 'CNY', time_zone: 'Asia/Shanghai', fill: fill_long_names })
  context.after(() => brand.stop())
  await add_long_staff(brand)
  const { customer_id } = (await brand.owner.call('GET', '/api/v1/customers?limit=1')).items[0]
  for (const screen of SCREENS) {
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    const { page } = guest
    const opens = async (selector, what) => {
      await page.locator(selector).first().click()
      await guest.look('open-' + what)
    }
    await guest.go('/insight/repurchase')
    await opens('.el-date-editor', 'days')
    assert.ok(await page.locator('.el-picker-panel td.current').first().isVisible())
    await page.keyboard.press('Escape')
    await opens('[data-test=account]', 'account')
    await guest.go('/customers')
    await opens('[data-test=columns]', 'columns')
    /* Tab leads into it, Escape out again. */
    await page.keyboard.press('Tab')
    assert.ok(await page.evaluate(() => document.activeElement.closest('.choose-columns')))
    await page.keyboard.press('Escape')
    await page.locator('.choose-columns').waitFor({ state: 'hidden' })
    assert.equal(await page.evaluate(() => document.activeElement.dataset.test), 'columns')
    await opens('[data-test=filters]', 'filters')
    await opens('.el-drawer:visible .el-date-editor', 'filter-days')
    await page.keyboard.press('Escape')
    await opens('.el-drawer:visible .el-select', 'choice')
    await guest.go('/customers')
    await page.locator('.el-checkbox:visible').nth(1).click()
    await opens('[data-test=change]', 'bulk')
    await opens('.el-drawer:visible .el-select', 'bulk-tag')
    await page.keyboard.press('Escape')
    await opens('.el-drawer:visible .el-date-editor', 'bulk-until')
    await guest.go('/customers/' + customer_id)
    await opens('[data-test=service] .el-date-editor', 'tag-until')
    await page.keyboard.press('Escape')
    await opens('[data-test=service] .el-select >> nth=-1', 'keeper')
    await guest.go('/settings/staff')
    await opens('main .el-button--primary', 'staff')
    await opens('.el-drawer:visible .el-select', 'role')
    await guest.go('/settings/keys')
    await opens('main .el-button--primary', 'key')
    await guest.close()
  }
})

test('nothing yet', { timeout: 300_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House 茶舍' })
  context.after(() => brand.stop())
  for (const screen of SCREENS) {
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    guest.allow(404)
    for (const path of ['/insight', '/insight/repurchase', '/settings/keys', '/settings/audit', '/settings/backups']) {
      await guest.go(path)
      await guest.look(`empty-${name_of(path)}`)
    }
    await guest.close()
  }
})

test('a server that does not answer, and one that answers badly', { timeout: 300_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House 茶舍' })
  context.after(() => brand.stop())
  for (const screen of SCREENS) {
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    guest.allow(500)
    await guest.page.route('**/api/v1/reports*', (route) => route.fulfill({ status: 500, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }))
    await guest.go('/insight')
    await guest.look('broken-answer')
    await guest.page.unroute('**/api/v1/reports*')
    await guest.page.route('**/api/v1/staff*', (route) => route.abort('connectionrefused'))
    await guest.go('/settings/staff')
    assert.ok(guest.complaints.splice(0).every((one) => one.startsWith('failed:')), 'only the request that was cut off')
    await guest.look('no-answer')
    await guest.page.unroute('**/api/v1/staff*')
    await guest.page.locator('[role=alert] button').click()
    await guest.settle()
    assert.equal(await guest.page.locator('[role=alert]').count(), 0, 'it can be tried again')
    await guest.close()
  }
})

/* Walks through a page by Tab: each stop is seen (a ring of its own), in reading order, and none is caught. */
test('by keyboard', { timeout: 300_000 }, async (context) => {
  const brand = await start_brand({ name: 'Tea House 茶舍', currency: 'CNY', time_zone: 'Asia/Shanghai', fill: fill_long_names })
  context.after(() => brand.stop())
  for (const screen of [SCREENS[0], SCREENS[3]])
    for (const path of ['/insight', '/insight/repurchase', '/insight/cohorts', '/settings/staff', '/settings/keys']) {
      const guest = await visit(browser, brand, { ...screen, as: brand.owner })
      await guest.go(path)
      const stops = []
      for (let i = 0; i < 80; i++) {
        await guest.page.keyboard.press('Tab')
        /* What opens at a stop has found its place. */
        await guest.settle()
        const stop = await guest.page.evaluate(() => {
          const element = document.activeElement
          if (!element || element === document.body) return null
          const ringed = element.closest('.el-input__wrapper, .el-checkbox') ?? element
          const style = getComputedStyle(element)
          const ring = getComputedStyle(ringed)
          const box = element.getBoundingClientRect()
          return {
            name: element.tagName + ' ' + (element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40),
            seen: (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || ring.boxShadow !== 'none',
            inside: box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
          }
        })
        if (!stop) break
        stops.push(stop)
      }
      assert.ok(stops.length >= 5 && stops.length < 80, `${guest.name_of(path)}: ${stops.length} stops`)
      assert.deepEqual(stops.filter((stop) => !stop.seen || !stop.inside).map((stop) => JSON.stringify(stop)), [], guest.name_of(path))
      await guest.close()
    }
})
