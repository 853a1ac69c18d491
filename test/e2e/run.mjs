/* Runs the browser tests and ends with the line "N passed, N failed" that script/test counts.
 *   npm --prefix test/e2e test                 all of them
 *   npm --prefix test/e2e test -- figures      those of figures_test.mjs
 * HUITOU_BINARY  the program (build/release/huitou)      HUITOU_SHOTS  a folder that gets every page looked at, as a picture
 * HUITOU_CHROMIUM  the browser (/usr/bin/chromium) */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = new URL('./', import.meta.url).pathname
const wanted = process.argv.slice(2)
const files = readdirSync(here)
  .filter((name) => name.endsWith('_test.mjs'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
if (files.length === 0) {
  console.error(`No file of ${here} has ${wanted.join(' or ')} in its name.`)
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), 'huitou-e2e-run-'))
let passed = 0
let failed = 0
const reasons = []

/* Each file starts a server and a browser of its own; what it says is shown once it has ended. */
function run(file) {
  const record = join(folder, file + '.tap')
  const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout', '--test-reporter=tap', `--test-reporter-destination=${record}`]
  const child = spawn(process.execPath, ['--test', ...reporters, join(here, file)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => said.push(part))
  return new Promise((resolve) => {
    child.once('close', (status) => {
      const told = Buffer.concat(said).toString()
      console.log(`\n${file}\n${told}`)
      if (status !== 0) reasons.push(told.slice(Math.max(told.indexOf('failing tests:'), 0)))
      const text = existsSync(record) ? readFileSync(record, 'utf8') : ''
      const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
      passed += count('pass')
      failed += Math.max(count('fail') + count('cancelled'), status === 0 ? 0 : 1)
      resolve()
    })
  })
}

/* Two at a time, the longest first: a browser keeps one core busy. */
const waiting = files.sort((a, b) => Number(b.startsWith('look')) - Number(a.startsWith('look')))
async function turns() {
  while (waiting.length > 0) await run(waiting.shift())
}
await Promise.all([turns(), turns()])
rmSync(folder, { recursive: true, force: true })
for (const reason of reasons) console.log(reason)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
