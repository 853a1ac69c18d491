/* The support's own eyes: each thing that it must see is put on a page on purpose, and a sound page has none. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { money_text, parse_exact, percent_text, plain_text, rounded } from './support/figures.mjs'
import { badly_set_text } from './support/typeset.mjs'
import { open_browser } from './support/visit.mjs'
import { texts_of_page, wrong_words } from './support/words.mjs'

let browser, page
before(async () => {
  browser = await open_browser()
  page = await browser.newPage({ viewport: { width: 600, height: 400 } })
})
after(() => browser?.close())

async function set_in(body, language = 'en') {
  await page.setContent(`<!doctype html><html lang="${language}"><title>Huitou</title><body style="margin:8px;font:16px/1.5 sans-serif">${body}</body></html>`)
}
async function found_in(body) {
  await set_in(body)
  return (await page.evaluate(badly_set_text)).join('\n')
}
async function words_in(body, language, known = { whole: new Set(), within: [] }) {
  await set_in(body, language)
  return wrong_words(await page.evaluate(texts_of_page), language, known).join('\n')
}
const LONG = 'A name that is far longer than its box'

test('well-set text is left alone', async () => {
  assert.equal(await found_in(`
    <h1>A title</h1><p>Words that wrap at the end of their line as often as the page is narrow, and so on and on.</p>
    <div style="width:80px;overflow-x:auto;white-space:nowrap">${LONG}</div>
    <div style="width:80px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap" title="${LONG}">${LONG}</div>
    <div style="position:absolute;left:-999px">Skip to content</div>
    <table><tr><td>1,234</td><td>5.6%</td></tr></table>
    <div style="position:fixed;left:0;top:0;background:white">What floats may lie on others</div>`), '')
})
test('a page that scrolls sideways', async () => {
  assert.match(await found_in(`<div style="width:900px">wide</div>`), /the page is \d+ px too wide/)
})
test('text that is cut off', async () => {
  assert.match(await found_in(`<div style="width:80px;overflow:hidden;white-space:nowrap">${LONG}</div>`), /^cut off: "A name/)
  assert.match(await found_in(`<div style="width:80px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap" title="Another">${LONG}</div>`), /^cut off/)
  assert.match(await found_in(`<div style="height:30px;overflow:hidden;width:80px">${LONG}</div>`), /^cut off below/)
})
test('text that sticks out of its box', async () => {
  assert.match(await found_in(`<div style="width:80px;border:1px solid;white-space:nowrap"><span>${LONG}</span></div>`), /^sticks out: "A name/)
  assert.match(await found_in(`<div style="display:grid;grid-template-columns:60px 60px"><span>Pneumonoultramicroscopic</span><span>b</span></div>`), /sticks out/)
})
test('texts on each other', async () => {
  assert.match(await found_in('<p>One sentence here</p><p style="margin-top:-36px">Another one there</p>'), /^overlap: "One sentence here".*with "Another one there"/)
})
test('a value that its field cuts off', async () => {
  assert.match(await found_in('<input readonly style="width:40px" value="2011-12-09 and more">'), /cut off value/)
})
test('the other language', async () => {
  assert.equal(await words_in('<p>Customers of Huitou 回头</p><button lang="zh-CN">中文</button>', 'en'), '')
  assert.match(await words_in('<p>Customers 客户</p>', 'en'), /Chinese on an English page/)
  assert.match(await words_in('<button aria-label="关闭">x</button>', 'en'), /button\[aria-label\]/)
  assert.equal(await words_in('<p>下载 CSV 或 Excel 文件，含 R、F、M</p><p translate="no">Tea House</p>', 'zh-CN'), '')
  assert.match(await words_in('<p>共 12 rows</p>', 'zh-CN'), /not Chinese on a Chinese page: rows/)
  assert.match(await words_in('<input placeholder="Pick a day">', 'zh-CN'), /Pick a day/)
  assert.equal(await words_in('<td>WHITE METAL LANTERN</td><p>欢迎来到 Tea House</p>', 'zh-CN', { whole: new Set(['WHITE METAL LANTERN']), within: ['Tea House'] }), '')
})
test('names of texts, and values that are not there', async () => {
  assert.match(await words_in('<p>nav.insight</p>', 'en'), /a text's name/)
  assert.match(await words_in('<p>undefined customers</p>', 'en'), /a value that is not there/)
  assert.match(await words_in('<p>of {n} rows</p>', 'en'), /a value that is not there/)
})

/* Expected by hand, from CLDR's patterns and the half-up rule of Intl.NumberFormat ("halfExpand"). */
test('figures are written from their decimals', () => {
  assert.deepEqual(parse_exact('{"a":[1.10,"2",-3e-3],"b":null}'), { a: [{ number: '1.10' }, '2', { number: '-3e-3' }], b: null })
  assert.equal(rounded('1.005', 2), '1.01')
  assert.equal(rounded('0.125', 2), '0.13')
  assert.equal(rounded('-0.125', 2), '-0.13')
  assert.equal(rounded('-0.001', 2), '0.00')
  assert.equal(rounded('1.5e-7', 2), '0.00')
  assert.equal(rounded('12e3', 1), '12000.0')
  assert.equal(plain_text('1234567.891', 0, 2), '1,234,567.89')
  assert.equal(plain_text('12.50', 0, 2), '12.5')
  assert.equal(plain_text('12.00', 0, 2), '12')
  assert.equal(percent_text('0.36609'), '36.6%')
  assert.equal(money_text('-1234.5', 'GBP', 2), '-£1,234.50')
})
