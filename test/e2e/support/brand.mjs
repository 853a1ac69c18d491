/* A brand of its own for a test: a temporary directory, filled through the command line, served on a free port of this
 * machine, with an owner who is logged in through the API. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const ROOT = new URL('../../../', import.meta.url).pathname
export const BINARY = process.env.HUITOU_BINARY ?? join(ROOT, 'build/release/huitou')
export const ONLINE_RETAIL = join(ROOT, 'test/data/online_retail/online_retail.csv.gz')
export const PASSWORD = 'a long sentence about tea'
const STOP_MS = 20_000

/* Resolves to { url, setup_url } once the server listens. */
function first_line(server) {
  return new Promise((resolve, reject) => {
    let text = ''
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`the server ended (${code}) before it listened`)))
    server.stdout.on('data', (part) => {
      text += part
      if (text.includes('\n')) resolve(JSON.parse(text.slice(0, text.indexOf('\n'))))
    })
  })
}

/* Somebody's session: their cookie and CSRF token. */
class Caller {
  constructor(url) {
    Object.assign(this, { url, cookie: '', csrf_token: '' })
  }

  /* The answer's document, or null where it has none. Anything but 2xx fails, but where `refused` is that status. */
  async call(method, path, body, { language = 'en', refused } = {}) {
    const headers = { 'Accept-Language': language }
    if (this.cookie) headers.Cookie = this.cookie
    if (this.csrf_token && method !== 'GET') headers['X-CSRF-Token'] = this.csrf_token
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    const answer = await fetch(this.url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
    const cookie = answer.headers.get('set-cookie')
    if (cookie) this.cookie = cookie.split(';')[0]
    const text = await answer.text()
    assert.ok(refused ? answer.status === refused : answer.ok, `${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : null
  }
}

class Brand {
  constructor() {
    this.base = mkdtempSync(join(tmpdir(), 'huitou-e2e-'))
    this.folder = join(this.base, 'brand')
    /* Texts of the data, which no page translates: whole ones, and those that stand within sentences. */
    this.known = { whole: new Set(), within: [] }
  }

  /* huitou ARGS… on this brand's directory; what it printed. Before serve() only: a server keeps the directory to itself. */
  run(...args) {
    const place = args[0] === 'init' ? [] : ['--dir', this.folder]
    const done = spawnSync(BINARY, [...args, ...place], { encoding: 'utf8', maxBuffer: 1 << 28 })
    assert.equal(done.status, 0, `huitou ${args.join(' ')}\n${done.stdout?.slice(-2000)}${done.stderr}${done.error ?? ''}`)
    return done.stdout
  }

  init({ name, currency = 'GBP', time_zone = 'Europe/London' }) {
    this.name = name
    this.knows(name)
    this.run('init', this.folder, '--name', name, '--currency', currency, '--timezone', time_zone)
  }

  /* A name that pages show, alone or in a sentence. */
  knows(...names) {
    this.known.within.push(...names)
  }

  async serve() {
    this.server = spawn(BINARY, ['serve', '--dir', this.folder, '--port', '0', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
    Object.assign(this, await first_line(this.server))
    this.server.removeAllListeners('exit')
  }

  /* Makes the owner through the set-up link. */
  async set_up({ login = 'owner', name = '林掌柜' } = {}) {
    this.knows(name, login)
    this.owner = new Caller(this.url)
    const token = this.setup_url.split('#')[1]
    const answer = await this.owner.call('POST', '/api/v1/setup', { token, login, name, password: PASSWORD })
    this.owner.csrf_token = answer.csrf_token
  }

  /* An account, and its session; made by the owner. */
  async add_staff({ login, name, role = 'agent', ...more }) {
    this.knows(name, login)
    await this.owner.call('POST', '/api/v1/staff', { login, name, role, password: PASSWORD, ...more })
    return this.log_in(login)
  }

  async log_in(login) {
    const caller = new Caller(this.url)
    caller.csrf_token = (await caller.call('POST', '/api/v1/session', { login, password: PASSWORD })).csrf_token
    return caller
  }

  /* Until figures can be asked for. */
  async wait_for_figures() {
    for (let tries = 0; tries < 600; tries++) {
      if ((await this.owner.call('GET', '/api/v1/status')).columns_ready) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    assert.fail('the figures were not ready within a minute')
  }

  async stop() {
    if (this.server && this.server.exitCode === null) {
      const ended = new Promise((resolve) => this.server.once('exit', resolve))
      this.server.kill('SIGTERM')
      const slow = setTimeout(() => this.server.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(slow)
    }
    rmSync(this.base, { recursive: true, force: true })
  }
}

/* `fill` (of fill.mjs, or one's own) gets the brand before it is served; without `name` the directory stays empty, for
 * tests of Welcome, and nobody is logged in. */
export async function start_brand({ name, currency, time_zone, fill, owner } = {}) {
  const brand = new Brand()
  try {
    if (name) brand.init({ name, currency, time_zone })
    if (fill) await fill(brand)
    await brand.serve()
    if (!name) return brand
    await brand.set_up(owner)
    if (fill) await brand.wait_for_figures()
    return brand
  } catch (error) {
    await brand.stop()
    throw error
  }
}
