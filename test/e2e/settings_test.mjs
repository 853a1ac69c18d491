/* Settings → Security and → Backups as an owner uses them: each finding is shown with what to do, its link leads where it is
 * mended, and mended it is good; a backup is made with and without the key, listed, downloaded, and restored on trial. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { PASSWORD, start_brand } from './support/brand.mjs'
import { open_browser, visit } from './support/visit.mjs'

const WORDS = {
  en: { make: 'Make a backup', with_key: 'Put it in, locked by a passphrase', locked: 'inside, locked', apart: 'kept apart', never: 'never', again: 'Refresh', add: 'Add a person', owner: 'Owner', save: 'Save', differ: 'The two differ.' },
  'zh-CN': { make: '立即备份', with_key: '放入，并用口令锁住', locked: '在内，已加锁', apart: '另行保存', never: '从未', again: '刷新', add: '添加员工', owner: '品牌方', save: '保存', differ: '两次输入不一致。' },
}
const SCREENS = [
  { language: 'zh-CN', width: 1440, theme: 'light' },
  { language: 'en', width: 1440, theme: 'dark' },
  { language: 'zh-CN', width: 390, theme: 'dark' },
  { language: 'en', width: 390, theme: 'light' },
]
/* Where the console mends what a check finds. */
const PLACES = { owners: '/settings/staff', staff_unseen: '/settings/staff', sessions: '/settings/staff', keys_unused: '/settings/keys', keys_old: '/settings/keys', backup_age: '/settings/backups', backup_place: '/settings/backups' }

let browser
before(async () => {
  browser = await open_browser()
})
after(() => browser?.close())

async function brand_of_test(context) {
  const brand = await start_brand({ name: 'Tea House 茶舍' })
  context.after(() => brand.stop())
  brand.knows('second-owner', '钱掌柜', 'chmod', 'huitou drill') /* commands have no other name */
  return brand
}
async function point_of(brand, check) {
  const { items } = await brand.owner.call('GET', '/api/v1/security-review')
  return items.find((one) => one.check === check)
}
/* Once the list shows so many; a backup is made in the background. */
async function listed(page, count) {
  await page.locator('tbody tr').nth(count - 1).waitFor()
  assert.equal(await page.locator('tbody tr').count(), count)
}
async function make_backup(guest, passphrase) {
  const { page, language } = guest
  const words = WORDS[language]
  await page.getByRole('button', { name: words.make }).click()
  await page.locator('.el-drawer:visible form').waitFor()
  const moves_s = await page.locator('.el-drawer:visible').evaluate((one) => Math.max(...getComputedStyle(one).transitionDuration.split(',').map(parseFloat)))
  assert.ok(moves_s < 0.001, 'who asked for less movement gets none')
  if (passphrase) {
    await page.locator('.el-drawer:visible .el-radio', { hasText: words.with_key }).click()
    await page.fill('input[name=passphrase]', passphrase)
    await page.fill('input[name=passphrase_again]', 'another one, typed wrongly')
    await page.getByText(words.differ).waitFor()
    assert.ok(await page.locator('.el-drawer:visible button[type=submit]').isDisabled())
    await page.fill('input[name=passphrase_again]', passphrase)
  }
  await guest.look(passphrase ? 'backup-with-key' : 'backup-form')
  await page.locator('.el-drawer:visible button[type=submit]').click()
}

for (const screen of SCREENS) {
  const words = WORDS[screen.language]
  const title = `${screen.language} ${screen.width} ${screen.theme}`

  test(`backups, ${title}`, { timeout: 300_000 }, async (context) => {
    const brand = await brand_of_test(context)
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    const { page } = guest
    await guest.go('/settings/backups')
    await guest.look('backups-none')
    await make_backup(guest)
    await listed(page, 1)
    const row = page.locator('tbody tr').first()
    const text = await row.innerText()
    for (const word of [words.apart, words.never, '林掌柜']) assert.ok(text.includes(word), `${word}: ${text}`)
    await guest.look('backups-one')

    /* What is downloaded is what was made. */
    const [one] = (await brand.owner.call('GET', '/api/v1/backups')).items
    const download = page.waitForEvent('download')
    await row.locator('a[download]').click()
    const content = readFileSync(await (await download).path())
    assert.ok(content.equals(readFileSync(one.path)))
    assert.equal(content.length, one.bytes)

    /* With the key in it, under a passphrase typed twice. */
    guest.allow(422)
    await make_backup(guest, 'short')
    await page.locator('.el-form-item__error').first().waitFor()
    await guest.look('backup-refused')
    await page.fill('input[name=passphrase]', 'several words are best')
    await page.fill('input[name=passphrase_again]', 'several words are best')
    await page.locator('.el-drawer:visible button[type=submit]').click()
    await listed(page, 2)
    assert.ok((await page.locator('tbody tr').first().innerText()).includes(words.locked))

    /* Restored on trial, the list says when, and the review is content. */
    assert.equal((await point_of(brand, 'backup_drill')).state, 'attend')
    brand.run('drill', one.path)
    await page.reload()
    await guest.settle()
    assert.ok(!(await page.locator('tbody tr').last().innerText()).includes(words.never))
    assert.equal((await point_of(brand, 'backup_drill')).state, 'good')
    await guest.look('backups-two')
    await guest.close()
  })

  test(`security, ${title}`, { timeout: 300_000 }, async (context) => {
    const brand = await brand_of_test(context)
    chmodSync(brand.folder, 0o755)
    const guest = await visit(browser, brand, { ...screen, as: brand.owner })
    const { page } = guest
    await guest.go('/settings/security')
    await guest.look('security-found')

    /* Each finding of the review stands there; what is not good says what to do and why. */
    const { items } = await brand.owner.call('GET', '/api/v1/security-review', undefined, { language: screen.language })
    assert.equal(await page.locator('[data-check]').count(), items.length)
    for (const point of items) {
      /* How much room the disk has may have changed since. */
      const changes = point.check === 'disk'
      const text = await page.locator(`${changes ? '' : `section.${point.state} `}[data-check=${point.check}]`).innerText()
      const said = changes ? [point.title] : [point.title, point.finding, ...(point.what_to_do ? [point.what_to_do, point.why] : [])]
      for (const part of said) assert.ok(text.includes(part.trim()), `${point.check}: ${part} in ${text}`)
    }
    const found = Object.fromEntries(items.map((point) => [point.check, point.state]))
    assert.deepEqual([found.directory_mode, found.backup_age, found.owners], ['act', 'act', 'attend'])

    /* Every link leads where it can be mended. */
    const linked = items.filter((point) => point.state !== 'good' && PLACES[point.check])
    assert.equal(await page.locator('[data-check] a').count(), linked.length)
    for (const point of linked) {
      await page.locator(`[data-check=${point.check}] a`).click()
      await page.waitForURL('**' + PLACES[point.check])
      await guest.settle()
      assert.equal(await page.locator('[role=alert]').count(), 0)
      await page.goBack()
      await page.waitForURL('**/settings/security')
      await guest.settle()
    }

    /* Three of them mended: a mode by hand, a backup and a second owner by the links. */
    chmodSync(brand.folder, 0o700)
    await page.getByRole('button', { name: words.again }).click()
    await page.locator('section.good [data-check=directory_mode]').waitFor()
    await page.locator('[data-check=backup_age] a').click()
    await page.waitForURL('**/settings/backups')
    await make_backup(guest)
    await listed(page, 1)
    await guest.go('/settings/security')
    await page.locator('section.good [data-check=backup_age]').waitFor()
    await page.locator('[data-check=owners] a').click()
    await page.waitForURL('**/settings/staff')
    await page.getByRole('button', { name: words.add }).click()
    await page.fill('.el-drawer:visible input[name=login]', 'second-owner')
    await page.fill('.el-drawer:visible input[name=name]', '钱掌柜')
    await page.fill('.el-drawer:visible input[name=password]', PASSWORD)
    await page.locator('.el-drawer:visible .el-select').first().click()
    await page.getByRole('option', { name: words.owner, exact: true }).click()
    await page.locator('.el-drawer:visible').getByRole('button', { name: words.save }).click()
    await page.locator('td:has-text("second-owner")').waitFor()
    await guest.go('/settings/security')
    await page.locator('section.good [data-check=owners]').waitFor()
    await guest.look('security-mended')
    await guest.close()
  })
}
