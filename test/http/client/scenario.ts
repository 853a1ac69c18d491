/* A client made from docs/api/openapi.json (openapi-typescript, openapi-fetch) goes through a day: sets the brand up, makes a
 * colleague and a key, finds a customer, tags and merges, reads a report. tsc holds every field to the document.
 * Run by client_test.py: SETUP_URL and PHONES (two, comma between) in the environment. */
import assert from 'node:assert/strict'
import createClient, { type Middleware } from 'openapi-fetch'
import type { components, paths } from './build/schema.js'

const link = new URL(process.env.SETUP_URL!)
const [phone, other_phone] = process.env.PHONES!.split(',')
const api = createClient<paths>({ baseUrl: link.origin })
let csrf = ''
let cookies = ''

const session: Middleware = {
  onRequest({ request }) {
    if (cookies) request.headers.set('Cookie', cookies)
    if (request.method !== 'GET' && csrf) request.headers.set('X-CSRF-Token', csrf)
    return request
  },
  onResponse({ response }) {
    /* Not getSetCookie(): Debian's Node 18 has none. The next cookie begins behind a comma with a name of its own. */
    const said = response.headers.get('set-cookie')
    if (said) cookies = said.split(/, (?=[^;, ]+=)/).map((one) => one.split(';')[0]!).join('; ')
    return response
  },
}
api.use(session)

type Customer = components['schemas']['Customer']
const PASSWORD = 'a long sentence about tea'

async function find(q: string): Promise<Customer> {
  const { data, error } = await api.GET('/api/v1/customers/find', { params: { query: { q } } })
  assert.equal(error, undefined)
  assert.equal(data!.items.length, 1)
  return data!.items[0]!
}

const setup = await api.POST('/api/v1/setup', {
  body: { token: link.hash.slice(1), login: 'owner', name: '林掌柜', password: PASSWORD },
})
assert.equal(setup.response.status, 201)
csrf = setup.data!.csrf_token

const wrong = await api.POST('/api/v1/staff', { body: { login: 'x', name: '', password: '1', role: 'agent' } })
assert.equal(wrong.error!.status, 422)
assert.deepEqual(wrong.error!.errors.map((one) => one.pointer).sort(), ['/login', '/name', '/password'])

const colleague = await api.POST('/api/v1/staff', {
  body: { login: 'colleague', name: '小李', password: PASSWORD, role: 'operator' },
  params: { header: { 'Idempotency-Key': 'colleague' } },
})
assert.equal(colleague.data!.role, 'operator')

const customer = await find(phone!)
const other = await find(other_phone!)
const id = { customer_id: customer.customer_id }
const tagged = await api.PUT('/api/v1/customers/{customer_id}/tags/{tag}', {
  params: { path: { ...id, tag: '常客 / regular?' } }, body: { until: '2030-12-31' },
})
assert.deepEqual(tagged.data!.tags.map((one) => [one.name, one.until]), [['常客 / regular?', '2030-12-31']])

const merged = await api.POST('/api/v1/customers/{customer_id}/merge', { params: { path: id }, body: { into_id: other.customer_id } })
assert.equal(merged.data!.members.length, 2)
assert.equal(Number(merged.data!.paid).toFixed(2), (Number(customer.paid) + Number(other.paid)).toFixed(2))
const split = await api.POST('/api/v1/customers/{customer_id}/split', { params: { path: id } })
assert.equal(split.data!.members.length, 1)

const key = await api.POST('/api/v1/keys', { body: { name: 'figures', scopes: ['reports:read'] } })
const program = createClient<paths>({ baseUrl: link.origin, headers: { Authorization: `Bearer ${key.data!.key}` } })
const report = await program.GET('/api/v1/reports/{report}', { params: { path: { report: 'totals' }, query: { amount: 'gross' } } })
assert.equal(report.data!.amount, 'gross')
const refused = await program.GET('/api/v1/customers/{customer_id}', { params: { path: id } })
assert.equal(refused.response.status, 403)

const audit = await api.GET('/api/v1/audit', { params: { query: { object: `customer:${customer.customer_id}` } } })
assert.ok(audit.data!.items.some((one) => one.operation === 'setTag'))
await api.DELETE('/api/v1/session')
const over = await api.GET('/api/v1/session')
assert.equal(over.response.status, 401)
console.log('the scenario went through')
