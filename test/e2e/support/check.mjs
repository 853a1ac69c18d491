/* What must hold of every page: well-set text in one language, and nothing that axe-core calls serious. */
import AxeBuilder from '@axe-core/playwright'
import { badly_set_text } from './typeset.mjs'
import { texts_of_page, wrong_words } from './words.mjs'

/* What components of others do and we cannot mend: rule, part of the element's HTML, why it is bearable. */
export const AXE_EXCEPTIONS = [
  /* Element Plus 2: the calendar that a date field opens is a dialog without a name, and none can be given (its table has one). */
  { rule: 'aria-dialog-name', html: 'class="el-popper is-pure' },
]

function excepted(rule, html) {
  return AXE_EXCEPTIONS.some((one) => one.rule === rule && html.includes(one.html))
}

async function axe_findings(page) {
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .flatMap((one) => one.nodes.filter((node) => !excepted(one.id, node.html)).map((node) => `axe ${one.id}: ${node.html.slice(0, 200)} ${node.any[0]?.message ?? ''}`))
}

/* A list of what is wrong, empty where nothing is. known: texts of the data, as in brand.mjs. */
export async function check_page(page, { language, known = { whole: new Set(), within: [] }, axe = true }) {
  const wrong = await page.evaluate(badly_set_text)
  wrong.push(...wrong_words(await page.evaluate(texts_of_page), language, known))
  if ((await page.evaluate(() => document.documentElement.lang)) !== language) wrong.push('the document says that it is in another language')
  if (axe) wrong.push(...(await axe_findings(page)))
  return wrong
}
