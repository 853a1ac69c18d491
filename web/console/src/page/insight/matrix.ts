/* Rows of (row, key, value) as a matrix; cells that fall on one place (R/F/M's cells over M) are summed. Of cohorts a month
 * without a row is 0 where it lies in the days looked at, and empty where it does not; the months before the first purchase
 * (refunds of people who had not bought yet) are one column. */
import { column_of, type Column, type Row, type Section } from './reports'
import type { Cell } from '../../format'

export interface MatrixCell {
  value: number | null
  /* Its month is not over: the figure still grows. */
  grows: boolean
  /* A row that it comes from. */
  source: Row | null
}
export interface MatrixLine {
  label: Cell
  size: Cell
  cells: MatrixCell[]
}
export interface Matrix {
  row: Column
  key: Column
  value: Column
  size: Column | undefined
  rows: MatrixLine[]
  keys: Cell[]
  /* Of the cells that are shaded. */
  low: number
  high: number
  /* Some cells are sums of several rows. */
  summed: boolean
}
/* The days looked at, YYYY-MM-DD. */
export interface Days {
  from: string
  to: string
}
/* The key of the column of all months before the first purchase. */
export const BEFORE = -1

function compare(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0
}
function distinct(values: Cell[]): Cell[] {
  return [...new Set(values)].sort(compare)
}
function month_number(month: string): number {
  return Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7))
}
function last_of_month(day: string): boolean {
  return new Date(Date.parse(day + 'T00:00:00Z') + 86_400_000).getUTCDate() === 1
}

function cohort_keys(keys: Cell[]): Cell[] {
  const numbers = keys.map(Number)
  const known = Array.from({ length: Math.max(0, ...numbers) + 1 }, (_, k) => k)
  return numbers.some((key) => key < 0) ? [BEFORE, ...known] : known
}

function finish_cohort(line: MatrixLine, keys: Cell[], days: Days) {
  const cohort = month_number(String(line.label))
  const first = month_number(days.from)
  const last = month_number(days.to)
  line.cells.forEach((cell, k) => {
    const after = Number(keys[k])
    const month = cohort + after
    if (after < 0 || month < first || month > last) return
    cell.value ??= 0
    cell.grows = month === last && !last_of_month(days.to)
  })
}

export function matrix_of(section: Section, rows: Row[], days: Days): Matrix | null {
  const row = column_of(section, section.row)
  const key = column_of(section, section.key)
  const value = column_of(section, section.value)
  if (!row || !key || !value) return null
  const size = column_of(section, section.size)
  const cohort = section.layout === 'cohort'
  const given = distinct(rows.map((one) => one[key.name]))
  const keys = cohort ? cohort_keys(given) : given
  const labels = distinct(rows.map((one) => one[row.name]))
  if (section.rows_descending) labels.reverse()
  let summed = false
  const lines = labels.map((label): MatrixLine => {
    const cells = keys.map((): MatrixCell => ({ value: null, grows: false, source: null }))
    const line: MatrixLine = { label, size: null, cells }
    for (const one of rows.filter((candidate) => candidate[row.name] === label)) {
      const at = one[key.name]
      const cell = cells[keys.indexOf(cohort && Number(at) < 0 ? BEFORE : at)]
      const figure = one[value.name]
      if (cell && typeof figure === 'number') {
        summed ||= cell.source !== null
        cell.value = (cell.value ?? 0) + figure
        cell.source = one
      }
      if (size) line.size = one[size.name]
    }
    if (cohort) finish_cohort(line, keys, days)
    return line
  })
  /* A cohort's own first month is all of it, and would make everything after look alike. */
  const shaded = lines.flatMap((line) => line.cells.filter((_, k) => !cohort || Number(keys[k]) > 0))
  const figures = shaded.flatMap((cell) => (cell.value === null ? [] : [cell.value]))
  return { row, key, value, size, rows: lines, keys, low: Math.min(...figures, 0), high: Math.max(...figures, 0), summed }
}
