/* Finds text in another language than the page's, names of texts that were not found, and values that were not filled in. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './brand.mjs'

/* Latin words that a Chinese page may show: names of things that have no other name. */
const LATIN_NAMES = new Set(
  ('Huitou API CSV Excel JSON HTML xlsx SQLite PostgreSQL URL ID SKU TLS IP UTC SSE CPU systemd root ' + // technical names
    'Kaplan Meier Greenwood type ceil own brand none ' + // in the reports' definitions: methods, and codes that a file has
    'Enter ' + // keys
    'KiB MiB GiB TiB MB GB ms km kg ' + // units
    'GBP CNY USD EUR ' + // currencies
    'English Online Retail UCI').split(/\s+/), // the other language's switch; the demo data's name
)
/* IANA's names of time zones are what a brand's setting is called everywhere. */
const TIME_ZONE = /\b(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)\/[\w/ -]+/g
/* Names of files, and of settings of the environment. */
const FILE_OR_SETTING = /[\w/.-]+\.(md|gz|csv|xlsx|txt|json|key|db|zip)\b|\b[A-Z]+(_[A-Z]+)+\b/g
/* Chinese that an English page may show: the product's name, and the other language's switch. */
const CHINESE_NAMES = ['回头', '中文']

/* Runs inside the page: every text that a person sees or hears, but for what is data (translate="no"), code, or in
 * another language on purpose (lang). */
export function texts_of_page() {
  const found = []
  const page_language = document.documentElement.lang
  function left_out(element) {
    return element.closest('[translate="no"], code, kbd, pre, script, style, noscript') || (element.closest('[lang]')?.lang ?? page_language) !== page_language
  }
  function add(text, element, as) {
    const plain = (text ?? '').replace(/\s+/g, ' ').trim()
    if (plain) found.push({ text: plain, where: element.tagName.toLowerCase() + as })
  }
  for (const element of document.body.querySelectorAll('*')) {
    if (left_out(element)) continue
    const shown = element.checkVisibility({ opacityProperty: true, visibilityProperty: true, checkOpacity: true, checkVisibilityCSS: true })
    if (!shown) continue
    for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) add(node.data, element, '')
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) if (element.hasAttribute(name)) add(element.getAttribute(name), element, `[${name}]`)
    if (element.tagName === 'INPUT' && element.readOnly) add(element.value, element, '[value]')
  }
  add(document.title, document.documentElement, ' title')
  return found
}

const namespaces = new Set(Object.keys(JSON.parse(readFileSync(join(ROOT, 'web/console/src/text/en.json'), 'utf8'))).map((key) => key.split('.')[0]))

function without(text, names) {
  return names.reduce((left, name) => left.split(name).join(' '), text)
}

/* What is wrong with one text of a page in `language`; '' where nothing is. */
function complaint({ text, where }, language, known) {
  if (known.whole.has(text)) return ''
  const own = without(text, known.within)
  const key = own.match(/\b([a-z]+)\.[a-z_]+\b/)
  if (key && namespaces.has(key[1]) && !/[\s/]/.test(own.trim())) return `a text's name instead of the text: "${text}" in ${where}`
  if (/\b(undefined|NaN|Infinity)\b|\[object |\bInvalid Date\b|^null$|\{\w+\}/.test(own)) return `a value that is not there: "${text}" in ${where}`
  if (language === 'en') {
    const chinese = without(own, CHINESE_NAMES).match(/\p{Script=Han}+/u)
    return chinese ? `Chinese on an English page: "${text}" in ${where}` : ''
  }
  const foreign = (own.replace(TIME_ZONE, '').replace(FILE_OR_SETTING, '').match(/\p{Script=Latin}[\p{Script=Latin}’'-]+/gu) ?? []).filter((word) => !LATIN_NAMES.has(word))
  return foreign.length ? `not Chinese on a Chinese page: ${foreign.join(' ')} in "${text.slice(0, 80)}" in ${where}` : ''
}

export function wrong_words(texts, language, known) {
  return [...new Set(texts.map((one) => complaint(one, language, known)).filter(Boolean))]
}
