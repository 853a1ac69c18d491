/* Rows of (row, key, value) as a matrix; cells that fall on one place (R/F/M's cells over M) are summed. */
import { column_of, type Column, type Row, type Section } from './reports'
import type { Cell } from '../../format'

export interface Matrix {
  row: Column
  key: Column
  value: Column
  size: Column | undefined
  rows: { label: Cell; size: Cell; cells: (number | null)[]; sources: (Row | null)[]; summed: boolean }[]
  keys: Cell[]
  max: number
}

function compare(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0
}

export function matrix_of(section: Section, rows: Row[]): Matrix | null {
  const row = column_of(section, section.row)
  const key = column_of(section, section.key)
  const value = column_of(section, section.value)
  if (!row || !key || !value) return null
  const keys = [...new Set(rows.map((one) => one[key.name]))].sort(compare)
  const labels = [...new Set(rows.map((one) => one[row.name]))].sort(compare)
  if (section.rows_descending) labels.reverse()
  const size = column_of(section, section.size)
  const lines = labels.map((label) => {
    const cells: (number | null)[] = keys.map(() => null)
    const sources: (Row | null)[] = keys.map(() => null) /* a row that the cell comes from */
    let summed = false
    let line_size: Cell = null
    for (const one of rows.filter((candidate) => candidate[row.name] === label)) {
      const place = keys.indexOf(one[key.name])
      const cell = one[value.name]
      if (typeof cell === 'number') {
        summed ||= cells[place] !== null
        cells[place] = (cells[place] ?? 0) + cell
        sources[place] = one
      }
      if (size) line_size = one[size.name]
    }
    return { label, size: line_size, cells, sources, summed }
  })
  const any_summed = lines.some((line) => line.summed)
  for (const line of lines) line.summed = any_summed
  /* A cohort's own first month is all of it, and would make everything after look alike. */
  const shaded = section.layout === 'cohort' ? lines.flatMap((line) => line.cells.slice(1)) : lines.flatMap((line) => line.cells)
  const max = Math.max(0, ...shaded.filter((cell): cell is number => cell !== null))
  return { row, key, value, size, rows: lines, keys, max }
}
