/* One person at one screen: a language, a width, a theme, and an eye on everything that the browser complains of. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { check_page } from './check.mjs'

export const LANGUAGES = ['zh-CN', 'en']
export const WIDTHS = [1440, 390]
export const THEMES = ['light', 'dark']
const HEIGHTS = { 1440: 900, 390: 844 }

export function open_browser() {
  return chromium.launch({
    executablePath: process.env.HUITOU_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--font-render-hinting=none'],
  })
}

class Visit {
  constructor(brand, context, page, { language, width, theme }) {
    Object.assign(this, { brand, context, page, language, width, theme, complaints: [], findings: [], allowed_statuses: [] })
    page.setDefaultTimeout(20_000)
    page.on('console', (message) => {
      /* The browser itself tells of a refused request; the answers are looked at below. */
      const told_below = message.text().startsWith('Failed to load resource')
      if (['error', 'warning'].includes(message.type()) && !told_below) this.complaints.push(`console: ${message.text()}`)
    })
    page.on('pageerror', (error) => this.complaints.push(`error: ${error}`))
    page.on('requestfailed', (request) => {
      /* A page that is left takes its requests with it. */
      if (request.failure()?.errorText !== 'net::ERR_ABORTED') this.complaints.push(`failed: ${request.method()} ${request.url()} ${request.failure()?.errorText}`)
    })
    page.on('response', (response) => {
      const status = response.status()
      if (status >= 400 && !this.allowed_statuses.includes(status)) this.complaints.push(`${status}: ${response.request().method()} ${response.url()}`)
    })
  }

  /* Answers of this status are meant from here on (a wrong password: 401). */
  allow(status) {
    this.allowed_statuses.push(status)
  }

  /* Opens an address of the console and waits until it has what it shows. */
  async go(path) {
    await this.page.goto(this.brand.url + path)
    await this.settle()
  }

  async log_in(login, password) {
    await this.page.fill('input[name=login]', login)
    await this.page.fill('input[name=password]', password)
    await this.page.click('button[type=submit]')
    await this.page.waitForURL((url) => url.pathname !== '/login')
    await this.settle()
  }

  /* Until nothing loads and nothing moves, for some frames: what was pressed a moment ago has not begun to move yet. */
  async settle() {
    await this.page.locator('#app > *').first().waitFor({ state: 'attached' })
    await this.page.waitForFunction((since) => {
      if (window.calm?.since !== since) window.calm = { since, frames: 0 }
      const busy = document.querySelector('[aria-busy="true"], .el-loading-mask, .el-skeleton')
      const moving = document.getAnimations().some((one) => one.playState === 'running' && one.effect?.getTiming().iterations !== Infinity)
      const calm = !busy && !moving && document.fonts.status === 'loaded'
      window.calm.frames = calm ? window.calm.frames + 1 : 0
      return window.calm.frames > 4
    }, Math.random())
  }

  name_of(what) {
    return `${what}-${this.language}-${this.width}-${this.theme}`
  }

  async shoot(what) {
    if (!process.env.HUITOU_SHOTS) return
    await this.page.screenshot({ path: join(process.env.HUITOU_SHOTS, this.name_of(what) + '.png'), fullPage: true })
  }

  /* Everything that must hold of any page in any state; `what` names it in messages and of the picture. What does not hold
   * is told by close(), so that a test finds all of it in one run. options: axe: false leaves axe-core out. */
  async look(what, options = {}) {
    await this.settle()
    await this.shoot(what)
    const wrong = await check_page(this.page, { language: this.language, known: this.brand.known, ...options })
    wrong.push(...this.complaints.splice(0))
    this.findings.push(...wrong.map((one) => `${this.name_of(what)}: ${one}`))
  }

  /* Ends the visit; all that was found. */
  async leave() {
    await this.context.close()
    return [...this.findings, ...this.complaints]
  }

  /* Ends the visit; fails where anything was found. */
  async close() {
    assert.deepEqual(await this.leave(), [])
  }
}

/* A fresh visit. `as`: a caller of brand.mjs (brand.owner, what add_staff gave) who is logged in; without it nobody is. */
export async function visit(browser, brand, { language = 'en', width = 1440, theme = 'light', as } = {}) {
  const context = await browser.newContext({
    locale: language === 'en' ? 'en-GB' : language,
    viewport: { width, height: HEIGHTS[width] ?? 900 },
    colorScheme: theme,
    reducedMotion: 'reduce',
    timezoneId: 'Europe/London',
    hasTouch: width < 800,
  })
  if (as) {
    const at = as.cookie.indexOf('=')
    await context.addCookies([{ name: as.cookie.slice(0, at), value: as.cookie.slice(at + 1), url: brand.url, httpOnly: true, sameSite: 'Strict' }])
    /* As a login leaves it: says to the console that asking for the session is worth a request. */
    await context.addInitScript(() => localStorage.setItem('huitou.logged_in', '1'))
  }
  return new Visit(brand, context, await context.newPage(), { language, width, theme })
}
