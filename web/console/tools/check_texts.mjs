/* Fails where a text is missing in a language, is used but not there, is there but not used, or names other values
 * ({name}) in one language than in the other. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const root = new URL('../src/', import.meta.url).pathname
const en = JSON.parse(readFileSync(join(root, 'text/en.json'), 'utf8'))
const zh = JSON.parse(readFileSync(join(root, 'text/zh-CN.json'), 'utf8'))
const source = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(vue|ts)$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
  .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'utf8'))
  .join('\n')

const problems = []
const values = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort().join()
for (const key of new Set([...Object.keys(en), ...Object.keys(zh)])) {
  if (!en[key] || !zh[key]) problems.push(`${key}: missing in ${en[key] ? 'zh-CN' : 'en'}`)
  else if (values(en[key]) !== values(zh[key])) problems.push(`${key}: the languages name other values`)
  if (!source.includes(`'${key}'`)) problems.push(`${key}: never used`)
}
/* Every quoted key within t(…), also where one of two is chosen. */
for (const call of source.matchAll(/\bt\(([^()]*)/g))
  for (const key of call[1].matchAll(/'([a-z]+\.[a-z_]+)'/g))
    if (!(key[1] in en)) problems.push(`${key[1]}: used, but not there`)
for (const problem of problems) console.error(problem)
console.log(`${Object.keys(en).length} texts in two languages, ${problems.length} problems`)
process.exit(problems.length ? 1 : 0)
