/* Welcome → Insight → Settings as a person does it, on each kind of screen. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PASSWORD, start_brand } from './support/brand.mjs'
import { LONG } from './support/fill.mjs'
import { open_browser, visit } from './support/visit.mjs'

const WORDS = {
  en: { begin: 'Begin', add: 'Add a person', save: 'Save' },
  'zh-CN': { begin: '开始使用', add: '添加员工', save: '保存' },
}
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

for (const screen of SCREENS)
  test(`from welcome to settings, ${screen.language} ${screen.width} ${screen.theme}`, { timeout: 300_000 }, async (context) => {
    const words = WORDS[screen.language]
    const brand = await start_brand()
    context.after(() => brand.stop())
    const guest = await visit(browser, brand, screen)
    const { page } = guest
    brand.knows('林掌柜', 'owner', 'Tea House 茶舍', 'new-agent', LONG.staff)

    /* The server says that there is no figure yet. */
    guest.allow(404)
    await page.goto(brand.url)
    await guest.look('welcome-without-link')
    await page.goto(brand.setup_url)
    await page.reload()
    await guest.settle()
    await page.click('[data-test=own]')
    guest.allow(422)
    await page.click(`button:has-text("${words.begin}")`)
    await page.locator('.el-form-item__error').first().waitFor()
    await guest.look('welcome-refused')
    await page.fill('input[name=brand_name]', 'Tea House 茶舍')
    await page.fill('input[name=name]', '林掌柜')
    await page.fill('input[name=login]', 'owner')
    await page.fill('input[name=password]', PASSWORD)
    await guest.settle()
    assert.equal(await page.locator('.el-form-item__error').count(), 0, 'what was wrong with a field goes once it is changed')
    await guest.look('welcome')
    await page.click(`button:has-text("${words.begin}")`)
    await page.waitForURL((url) => url.pathname !== '/welcome')
    await guest.settle()

    await guest.go('/settings/staff')
    await page.click(`button:has-text("${words.add}")`)
    await page.fill('.el-drawer input[name=login]', 'new-agent')
    await page.fill('.el-drawer input[name=name]', LONG.staff)
    await page.fill('.el-drawer input[name=password]', 'short')
    await page.click(`.el-drawer button:has-text("${words.save}")`)
    await page.locator('.el-drawer .el-form-item__error').first().waitFor()
    await guest.look('staff-refused')
    await page.fill('.el-drawer input[name=password]', PASSWORD)
    await page.click(`.el-drawer button:has-text("${words.save}")`)
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await page.locator('td:has-text("new-agent")').waitFor()
    await guest.look('staff-added')

    /* Out, refused, and in again at the address that was asked for. */
    await page.locator('[data-test=account]').click()
    await page.locator('.el-dropdown-menu__item').last().click()
    await page.waitForURL('**/login')
    await guest.go('/settings/system')
    await page.waitForURL('**/login?next=/settings/system')
    guest.allow(401)
    await page.fill('input[name=login]', 'new-agent')
    await page.fill('input[name=password]', 'not the password')
    await page.click('button[type=submit]')
    await page.locator('[role=alert]').waitFor()
    await guest.look('login-refused')
    /* An agent sees no system health, and is told so. */
    guest.allow(403)
    await guest.log_in('new-agent', PASSWORD)
    await guest.look('not-for-an-agent')
    assert.equal(new URL(page.url()).pathname, '/settings/system')
    await guest.close()
  })
