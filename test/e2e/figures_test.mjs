/* Every figure on every Insight page equals `huitou report --json` for the same days: tables and matrices cell by cell, as
 * an independent hand writes them (support/figures.mjs), and what the charts draw, by the lengths of what is drawn. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { start_brand } from './support/brand.mjs'
import { cell_text, parse_exact, rounded } from './support/figures.mjs'
import { fill_online_retail } from './support/fill.mjs'
import { open_browser, visit } from './support/visit.mjs'

const LONG_LIST_ROWS = 100
const RANGES = [
  { what: 'all days', query: {} },
  { what: 'a quarter', query: { from: '2011-03-01', to: '2011-05-31' } },
  { what: 'days that begin and end within months', query: { from: '2011-06-15', to: '2011-11-20' } },
  { what: 'as of a day in summer', query: { as_of: '2011-07-10' } },
  { what: 'one day', query: { from: '2011-10-06', to: '2011-10-06' } },
]
const CODES = {
  en: { own: 'own rhythm', brand: "brand's rhythm", none: 'no limit known' },
  'zh-CN': { own: '本人节奏', brand: '品牌节奏', none: '没有界限' },
}

let brand, browser
before(async () => {
  brand = await start_brand({ name: 'Tea House', fill: fill_online_retail })
  browser = await open_browser()
})
after(async () => {
  await browser?.close()
  await brand?.stop()
})

/* --- What the page shows --- */

/* Runs inside the page: by section, its list of facts or its table, as texts. */
function sections_of_page() {
  const plain = (element) => element.textContent.replace(/\s+/g, ' ').trim()
  const found = {}
  for (const section of document.querySelectorAll('[data-section]')) {
    const facts = [...section.querySelectorAll('dl > div')].map((fact) => ({
      title: plain(fact.querySelector('dt')), shown: plain(fact.querySelector('dd')), exact: fact.querySelector('dd').title,
    }))
    const table = section.querySelector('table')
    const seen = (cell) => {
      const own = cell.cloneNode(true)
      for (const sign of own.querySelectorAll('[aria-hidden=true]')) sign.remove()
      return plain(own)
    }
    const cells = (row) => [...row.cells].filter((cell) => !cell.matches('.bar-place')).map(seen)
    found[section.dataset.section] = {
      title: plain(section.querySelector('h2')),
      facts,
      head: table ? cells([...table.tHead.rows].at(-1)) : [],
      rows: table ? [...table.tBodies[0].rows].map(cells) : [],
    }
  }
  return found
}

/* Runs inside the page: what a section's chart draws in the colour of a token, as boxes and as corners of lines. */
function drawn_in([section, token]) {
  const colour = document.createElement('i')
  colour.style.color = getComputedStyle(document.documentElement).getPropertyValue('--' + token)
  document.body.append(colour)
  const wanted = getComputedStyle(colour).color
  colour.remove()
  const paths = [...document.querySelectorAll(`[data-section="${section}"] svg path`)]
  const boxes = paths.filter((path) => getComputedStyle(path).fill === wanted).map((path) => path.getBBox())
  const lines = paths.filter((path) => getComputedStyle(path).stroke === wanted && getComputedStyle(path).fill === 'none').map((path) => path.getAttribute('d'))
  return { boxes: boxes.map(({ x, height }) => ({ x, height })).sort((a, b) => a.x - b.x), lines }
}

/* --- What it must show --- */

function text_of(column, value, format) {
  return column.name === 'basis' ? CODES[format.language][value] : cell_text(value, column.kind, format)
}

function expected_table(section, rows, format) {
  return rows.slice(0, section.long_list ? LONG_LIST_ROWS : rows.length).map((row) => section.columns.map((column) => text_of(column, row[column.name], format)))
}

function month_number(text) {
  return Number(text.slice(0, 4)) * 12 + Number(text.slice(5, 7))
}
const by_value = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

/* Sums by (row, key) in whole millionths, as a naive hand pivots them. Of cohorts, months within the days looked at that
 * have no row are 0, and months before the first purchase are summed under "<0". */
function expected_matrix(section, rows, report, format) {
  const column = (name) => section.columns.find((one) => one.name === name)
  const [row, key, value, size] = ['row', 'key', 'value', 'size'].map((role) => column(section[role]))
  const cohort = section.layout === 'cohort'
  const plain = (cell) => (typeof cell === 'object' && cell ? Number(cell.number) : cell)
  const key_of = (one) => (cohort && plain(one[key.name]) < 0 ? -1 : plain(one[key.name]))
  let keys = [...new Set(rows.map(key_of))].sort(by_value)
  if (cohort) {
    const full = Array.from({ length: Math.max(0, ...keys) + 1 }, (_, k) => k)
    keys = keys.includes(-1) ? [-1, ...full] : full
  }
  const labels = [...new Set(rows.map((one) => plain(one[row.name])))].sort(by_value)
  if (section.rows_descending) labels.reverse()
  const millionths = (text) => BigInt(rounded(text, 12).replace('.', ''))
  const decimal = (units) => ({ number: (units < 0n ? '-' : '') + String(units < 0n ? -units : units).padStart(13, '0').replace(/(\d{12})$/, '.$1') })
  const table = labels.map((label) => {
    const own = rows.filter((one) => plain(one[row.name]) === label)
    const line = [text_of(row, own[0][row.name], format)]
    if (size) line.push(text_of(size, own[0][size.name], format))
    for (const at of keys) {
      const here = own.filter((one) => key_of(one) === at && one[value.name] !== null)
      const month = cohort ? month_number(label) + at : 0
      const counted = cohort && at >= 0 && month >= month_number(report.from) && month <= month_number(report.to)
      /* One figure stands as it is; only sums are made here. */
      if (here.length === 1) line.push(text_of(value, here[0][value.name], format))
      else if (here.length > 1) line.push(text_of(value, decimal(here.reduce((sum, one) => sum + millionths(one[value.name].number), 0n)), format))
      else line.push(counted ? text_of(value, { number: '0' }, format) : '')
    }
    return line
  })
  const head = [row.title, ...(size ? [size.title] : []), ...keys.map((at) => (cohort && at === -1 ? '<0' : String(at)))]
  return { head, table }
}

/* Chinese readers see large figures that stand alone in 万 and 亿, with two decimals at most; the exact one is in the title. */
function fits_short(shown, exact, language) {
  if (shown === exact) return true
  const match = language === 'zh-CN' && /^(-?)(\D?)([\d.]+)(万|亿)$/.exec(shown)
  if (!match) return false
  const units = Number(match[3]) * (match[4] === '亿' ? 1e8 : 1e4)
  const whole = Number(exact.replace(/[^\d.]/g, ''))
  return whole >= 1e5 && Math.abs(units - whole) <= (match[4] === '亿' ? 0.005e8 : 0.005e4) + 1e-6
}

/* --- Charts: what is drawn is as long as the figure is large --- */

function as_long_as(lengths, figures, what) {
  assert.equal(lengths.length, figures.length, `${what}: as many as figures`)
  const longest = Math.max(...figures)
  const unit = Math.max(...lengths) / longest
  figures.forEach((figure, i) => assert.ok(Math.abs(lengths[i] - figure * unit) < 1.2, `${what}: ${i} is ${lengths[i]} px for ${figure} of ${longest}`))
}
function corners(line) {
  return [...line.matchAll(/(-?[\d.]+)[ ,](-?[\d.]+)/g)].map((match) => [Number(match[1]), Number(match[2])])
}
/* The heights of a line's corners above its first one. */
function heights(line) {
  const points = corners(line)
  return points.map((point) => points[0][1] - point[1])
}

async function check_bars(page, section, rows) {
  const names = [section.bar, section.bar_second].filter(Boolean)
  for (const [i, name] of names.entries()) {
    const { boxes } = await page.evaluate(drawn_in, [section.name, `series-${i + 1}`])
    const figures = rows.map((row) => Number(row[name].number)).filter((figure) => figure > 0)
    as_long_as(boxes.map((box) => box.height).filter((height) => height > 0), figures, `bars of ${name}`)
  }
}
async function check_curve(page, section, rows) {
  const { lines } = await page.evaluate(drawn_in, [section.name, 'series-1'])
  assert.equal(lines.length, 1, 'one curve')
  const points = corners(lines[0])
  const [first, last] = [points[0], points.at(-1)]
  const days = [0, ...rows.map((row) => Number(row.day.number))]
  const shares = [0, ...rows.map((row) => 1 - Number(row.survival.number))]
  const px_per_day = (last[0] - first[0]) / days.at(-1)
  const px_per_share = (first[1] - last[1]) / shares.at(-1)
  assert.ok(points.length >= Math.min(rows.length, 60), `the curve has ${points.length} corners for ${rows.length} steps`)
  /* Each corner lies on the steps, within a pixel; steps of less than a pixel are drawn as one. */
  for (const [x, y] of points) {
    const day = (x - first[0]) / px_per_day
    const share_at = (at) => shares[days.findLastIndex((one) => one <= at)] ?? 0
    const [low, high] = [share_at(Math.max(0, day - 1.2 / px_per_day)), share_at(day + 1.2 / px_per_day)]
    const share = (first[1] - y) / px_per_share
    assert.ok(share > low - 1.2 / px_per_share && share < high + 1.2 / px_per_share, `the curve at day ${day} is at ${share}, not ${low} to ${high}`)
  }
}
async function check_lorenz(page, section, rows) {
  const { lines } = await page.evaluate(drawn_in, [section.name, 'series-1'])
  const shares = rows.map((row) => 1 - Number(row.amount_share.number)).sort((a, b) => a - b)
  as_long_as(heights(lines[0]), [0, ...shares, 1], 'the Lorenz curve')
}
const CHARTS = {
  'frequency/frequency': check_bars,
  'monthly/monthly': check_bars,
  'concentration/top': check_lorenz,
  'second-purchase/curve': check_curve,
}

/* --- One page --- */

async function check_report(guest, declaration, query, format, view) {
  const flags = Object.entries(query).flatMap(([name, value]) => [`--${name.replace('_', '-')}`, value])
  const report = parse_exact(brand.run('report', declaration.name, '--json', ...flags))
  await guest.go(`/insight/${declaration.name}?` + new URLSearchParams({ ...query, ...(view === 'table' ? { view } : {}) }))
  const shown = await guest.page.evaluate(sections_of_page)
  assert.deepEqual(Object.keys(shown), declaration.sections.map((section) => section.name))
  let figures = 0
  for (const section of declaration.sections) {
    const rows = report.sections[section.name]
    const on_page = shown[section.name]
    const what = `${declaration.name}/${section.name} ${JSON.stringify(query)} ${format.language} ${view}`
    assert.equal(on_page.title, section.title, what)
    const chart = CHARTS[`${declaration.name}/${section.name}`]
    if (rows.length === 0) assert.deepEqual([on_page.rows, on_page.facts], [[], []], what)
    else if (section.layout === 'list') {
      assert.deepEqual(on_page.facts.map(({ title, exact }) => [title, exact]), section.columns.map((column) => [column.title, text_of(column, rows[0][column.name], format)]), what)
      for (const fact of on_page.facts) assert.ok(fits_short(fact.shown, fact.exact, format.language), `${what}: ${fact.shown} for ${fact.exact}`)
      figures += on_page.facts.length
    } else if (view === 'chart' && ['matrix', 'cohort'].includes(section.layout)) {
      const { head, table } = expected_matrix(section, rows, report, format)
      assert.deepEqual(on_page.head, head, what)
      assert.deepEqual(on_page.rows, table, what)
      figures += table.flat().length
    } else if (view === 'chart' && section.layout === 'curve') {
      await chart(guest.page, section, rows)
      figures += rows.length
    } else {
      assert.deepEqual(on_page.head, section.columns.map((column) => column.title), what)
      assert.deepEqual(on_page.rows, expected_table(section, rows, format), what)
      figures += on_page.rows.flat().length
      if (view === 'chart' && chart) await chart(guest.page, section, rows)
    }
  }
  return figures
}

for (const language of ['en', 'zh-CN'])
  test(`every figure of every report, ${language}`, { timeout: 900_000 }, async (context) => {
    const guest = await visit(browser, brand, { language, as: brand.owner })
    const { items } = await brand.owner.call('GET', '/api/v1/reports', undefined, { language })
    assert.ok(items.length >= 13, 'all reports are there')
    const format = { language, currency: 'GBP', digits: 2 }
    let figures = 0
    let pages = 0
    for (const declaration of items) {
      const has_amounts = declaration.sections.some((section) => section.columns.some((column) => column.kind.endsWith('amount')))
      const has_views = declaration.sections.some((section) => ['matrix', 'cohort', 'curve'].includes(section.layout) || CHARTS[`${declaration.name}/${section.name}`])
      /* Chinese pages differ in how figures are written only: one range will do. */
      for (const [i, range] of (language === 'en' ? RANGES : RANGES.slice(2, 3)).entries())
        for (const amount of has_amounts && i % 2 === 0 ? ['net', 'gross'] : ['net'])
          for (const view of has_views ? ['chart', 'table'] : ['chart']) {
            const query = amount === 'gross' ? { ...range.query, amount } : range.query
            figures += await check_report(guest, declaration, query, format, view)
            pages += 1
          }
    }
    context.diagnostic(`${figures} figures on ${pages} pages equal the command line's`)
    await guest.close()
  })
