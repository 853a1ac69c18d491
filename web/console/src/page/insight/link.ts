/* The customers behind a figure: from the link that its report declares to an address of the list of customers. */
import type { LocationQueryRaw, RouteLocationRaw } from 'vue-router'
import { inject, type InjectionKey, type Ref } from 'vue'
import { may } from '../../session'
import type { Schema } from '../../api/client'
import type { Row, Section } from './reports'

type Link = Schema['ReportLink']
/* What the report at hand looks at: a link looks at the same. */
export interface Looked {
  report: string
  as_of: string
  from: string
  to: string
  amount: string
}
export const LOOKED: InjectionKey<Ref<Looked | null>> = Symbol('what the report looks at')

function month_later(month: string, months: number): string {
  const [year = 0, of_year = 1] = month.split('-').map(Number)
  const count = year * 12 + of_year - 1 + months
  return `${Math.floor(count / 12)}-${String((count % 12) + 1).padStart(2, '0')}`
}

function is_of_row(link: Link, row: Row): boolean {
  if (!link.when_column) return true
  return (row[link.when_column] ?? null) === (link.when_value ?? null)
}

/* In a matrix that sums over a column (R/F/M's cells over M) a cell stands for all of its values: the link leaves it out. */
function query_of(section: Section, link: Link, row: Row, summed: boolean): LocationQueryRaw {
  const query: LocationQueryRaw = {}
  for (const param of link.params ?? []) {
    if (summed && param.column && ![section.row, section.key].includes(param.column)) continue
    let value = param.value ?? String(row[param.column ?? ''] ?? '')
    if (param.plus) value = month_later(value, Number(row[param.plus] ?? 0))
    query[param.name] = value
  }
  return query
}

/* Gives for a figure the address of its customers; none where it has none, is 0, or the reader may not see customers. */
export function use_links() {
  const looked = inject(LOOKED)
  return (section: Section, row: Row, column: string, summed = false): RouteLocationRaw | undefined => {
    if (!looked?.value || !may('listCustomers') || !row[column]) return undefined
    if (section.columns?.find((one) => one.name === column)?.kind === 'id') return `/customers/${row[column]}`
    const link = section.links?.find((one) => one.column === column && is_of_row(one, row))
    if (!link) return undefined
    const { report, as_of, from, to, amount } = looked.value
    const scope = amount === 'gross' ? { as_of, from, to, amount } : { as_of, from, to }
    const figure = `${report}/${section.name}/${column}`
    return { path: '/customers', query: { ...scope, ...query_of(section, link, row, summed), figure } }
  }
}
