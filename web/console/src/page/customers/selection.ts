/* The selection of customers as it stands in the address: the same names and values as the API's query. */
import type { LocationQuery } from 'vue-router'
import { cell_text, day_text, month_text } from '../../format'
import type { paths } from '../../api/schema'

export type ListQuery = NonNullable<paths['/api/v1/customers']['get']['parameters']['query']>
type Translate = (key: string, values?: Record<string, unknown>) => string
export type Chosen = Record<string, string | string[]>

const NUMBERS = [
  'days_min', 'days_max', 'orders_min', 'orders_max', 'refunds_min', 'refunds_max', 'movements_min', 'since_min', 'since_max',
  'back_min', 'back_max', 'not_back_before', 'known_for', 'gap_after', 'r', 'f', 'm', 'top',
]
const FLAGS = ['new', 'channel_unnamed', 'first_product_unnamed']
const WORDS = [
  'as_of', 'from', 'to', 'month', 'amount', 'q', 'ids', 'channel', 'amount_min', 'amount_max', 'first_from', 'first_to', 'first_month',
  'first_before', 'last_from', 'last_to', 'first_product', 'overdue', 'basis', 'keeper',
]
export const NAMES = [...NUMBERS, ...FLAGS, ...WORDS, 'tag']

/* What of the address selects, order and page aside. */
export function chosen_of(query: LocationQuery): Chosen {
  const chosen: Chosen = {}
  for (const name of NAMES) {
    const given = query[name]
    const values = (Array.isArray(given) ? given : [given]).filter((one): one is string => !!one)
    if (values.length > 0) chosen[name] = name === 'tag' ? values : (values[0] ?? '')
  }
  return chosen
}

/* As a body takes it: numbers as numbers. */
export function body_of(chosen: Chosen): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(chosen).map(([name, value]) => {
      if (NUMBERS.includes(name)) return [name, Number(value)]
      if (FLAGS.includes(name)) return [name, value === 'true']
      return [name, value]
    }),
  )
}

export function query_text(chosen: Chosen, more: Record<string, string> = {}): string {
  const query = new URLSearchParams(more)
  for (const [name, value] of Object.entries(chosen)) for (const one of [value].flat()) query.append(name, one)
  return query.toString()
}

/* --- In words --- */

export interface Chip {
  text: string
  names: string[] /* of the parameters that go when it is taken away */
  value?: string /* of a list: only this one */
}
export interface Known {
  currency: string
  keeper_name: (staff_id: string) => string
}

function range_text(t: Translate, title: string, min: string | undefined, max: string | undefined): string {
  if (min !== undefined && min === max) return t('chip.exactly', { title, min })
  if (min !== undefined && max !== undefined) return t('chip.between', { title, min, max })
  return min !== undefined ? t('chip.least', { title, min }) : t('chip.most', { title, max })
}

function word(chosen: Chosen, name: string): string | undefined {
  const value = chosen[name]
  return typeof value === 'string' ? value : undefined
}

/* A range of two parameters as one chip. */
function range_chip(t: Translate, chosen: Chosen, title: string, min: string, max: string, show = (text: string) => text): Chip[] {
  const low = word(chosen, min)
  const high = word(chosen, max)
  if (low === undefined && high === undefined) return []
  const text = range_text(t, title, low === undefined ? undefined : show(low), high === undefined ? undefined : show(high))
  return [{ text, names: [min, max] }]
}

function day_chips(t: Translate, chosen: Chosen): Chip[] {
  const month = word(chosen, 'month')
  const as_of = word(chosen, 'as_of')
  return [
    ...range_chip(t, chosen, t('chip.looked_at'), 'from', 'to', day_text),
    ...(month ? [{ text: t('chip.month', { month: month_text(month) }), names: ['month'] }] : []),
    ...(as_of ? [{ text: t('chip.as_of', { day: day_text(as_of) }), names: ['as_of'] }] : []),
    ...(word(chosen, 'amount') === 'gross' ? [{ text: t('report.gross'), names: ['amount'] }] : []),
  ]
}

function first_chips(t: Translate, chosen: Chosen): Chip[] {
  const month = word(chosen, 'first_month')
  const before = word(chosen, 'first_before')
  const product = word(chosen, 'first_product')
  return [
    ...range_chip(t, chosen, t('people.first'), 'first_from', 'first_to', day_text),
    ...(month ? [{ text: t('chip.first_month', { month: month_text(month) }), names: ['first_month'] }] : []),
    ...(before ? [{ text: t('chip.first_before', { month: month_text(before) }), names: ['first_before'] }] : []),
    ...(chosen.new ? [{ text: t('chip.new'), names: ['new'] }] : []),
    ...(product ? [{ text: t('chip.first_product', { product }), names: ['first_product'] }] : []),
    ...(chosen.first_product_unnamed ? [{ text: t('chip.first_product_unnamed'), names: ['first_product_unnamed'] }] : []),
  ]
}

function bought_chips(t: Translate, chosen: Chosen, known: Known): Chip[] {
  const money = (text: string) => cell_text(text, 'amount', known.currency)
  const channel = word(chosen, 'channel')
  if (word(chosen, 'days_max') === '0') return [{ text: t('chip.never'), names: ['days_max', 'days_min'] }]
  return [
    ...(channel ? [{ text: t('chip.channel', { channel }), names: ['channel'] }] : []),
    ...(chosen.channel_unnamed ? [{ text: t('chip.channel_unnamed'), names: ['channel_unnamed'] }] : []),
    ...range_chip(t, chosen, t('people.days'), 'days_min', 'days_max'),
    ...range_chip(t, chosen, t('people.orders'), 'orders_min', 'orders_max'),
    ...range_chip(t, chosen, t('people.amount'), 'amount_min', 'amount_max', money),
    ...range_chip(t, chosen, t('people.refunds'), 'refunds_min', 'refunds_max'),
    ...(chosen.movements_min ? [{ text: t('chip.movements'), names: ['movements_min'] }] : []),
    ...range_chip(t, chosen, t('people.last'), 'last_from', 'last_to', day_text),
    ...range_chip(t, chosen, t('people.since'), 'since_min', 'since_max'),
  ]
}

function rhythm_chips(t: Translate, chosen: Chosen): Chip[] {
  const bases: Record<string, string> = { own: t('chip.basis_own'), brand: t('chip.basis_brand'), none: t('chip.basis_none') }
  const one = (name: string, text: (value: string) => string): Chip[] => {
    const value = word(chosen, name)
    return value ? [{ text: text(value), names: [name] }] : []
  }
  const scores = ['r', 'f', 'm'].filter((name) => chosen[name])
  const text = scores.map((name) => `${name.toUpperCase()} ${word(chosen, name)}`).join(' · ')
  return [
    ...range_chip(t, chosen, t('chip.back'), 'back_min', 'back_max'),
    ...one('not_back_before', (n) => t('chip.not_back_before', { n })),
    ...one('known_for', (n) => t('chip.known_for', { n })),
    ...one('gap_after', (n) => t('chip.gap_after', { n })),
    ...(scores.length > 0 ? [{ text, names: scores }] : []),
    ...one('overdue', (value) => (value === 'true' ? t('chip.overdue') : t('chip.not_overdue'))),
    ...one('basis', (value) => bases[value] ?? value),
    ...one('top', (n) => t('chip.top', { n })),
  ]
}

function who_chips(t: Translate, chosen: Chosen, known: Known): Chip[] {
  const keeper = word(chosen, 'keeper')
  const keepers: Record<string, string> = { none: t('people.nobody'), me: t('people.me') }
  const ids = word(chosen, 'ids')
  return [
    ...[chosen.tag ?? []].flat().map((tag) => ({ text: t('chip.tag', { tag }), names: ['tag'], value: tag })),
    ...(keeper ? [{ text: t('chip.keeper', { name: keepers[keeper] ?? known.keeper_name(keeper) }), names: ['keeper'] }] : []),
    ...(ids ? [{ text: t('chip.ids', { n: ids.split(',').length }), names: ['ids'] }] : []),
  ]
}

export function chips_of(t: Translate, chosen: Chosen, known: Known): Chip[] {
  return [
    ...day_chips(t, chosen), ...bought_chips(t, chosen, known), ...first_chips(t, chosen), ...rhythm_chips(t, chosen),
    ...who_chips(t, chosen, known),
  ]
}
