/* Figures, money, days as the reader's language writes them. */
import { language } from './language'
import { session } from './session'

export type Kind = 'count' | 'amount' | 'mean_amount' | 'ratio' | 'number' | 'day' | 'month' | 'text' | 'id'
export type Cell = string | number | null | undefined
export const NOTHING = '–'

/* From here on Chinese readers think in 万 and 亿. */
const LARGE = 100_000

export function is_figure(kind: string): boolean {
  return ['count', 'amount', 'mean_amount', 'ratio', 'number'].includes(kind)
}

function number_text(value: number, options: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(language(), options).format(value)
}

function money_options(kind: string, currency: string): Intl.NumberFormatOptions {
  const digits = session.status?.currency_digits ?? 2
  const of_cell = { minimumFractionDigits: digits, maximumFractionDigits: digits }
  if (kind !== 'amount' && kind !== 'mean_amount') return of_cell
  return { style: 'currency', currency, currencyDisplay: 'narrowSymbol', ...of_cell }
}

export function day_text(day: string): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: 'medium', timeZone: 'UTC' }).format(
    new Date(day + 'T00:00:00Z'),
  )
}

export function month_text(month: string): string {
  return new Intl.DateTimeFormat(language(), { year: 'numeric', month: 'short', timeZone: 'UTC' }).format(
    new Date(month + '-01T00:00:00Z'),
  )
}

/* A moment, in the brand's time zone. */
export function time_text(time: string): string {
  const options: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'medium' }
  if (session.status?.time_zone) options.timeZone = session.status.time_zone
  return new Intl.DateTimeFormat(language(), options).format(new Date(time))
}

/* Exactly. */
export function cell_text(value: Cell, kind: string, currency: string): string {
  if (value === null || value === undefined || value === '') return NOTHING
  switch (kind) {
    case 'count':
      return number_text(Number(value), { maximumFractionDigits: 0 })
    case 'amount':
    case 'mean_amount':
      return number_text(Number(value), money_options(kind, currency))
    case 'ratio':
      return number_text(Number(value), { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 })
    case 'number':
      return number_text(Number(value), { maximumFractionDigits: 2 })
    case 'day':
      return day_text(String(value))
    case 'month':
      return month_text(String(value))
    default:
      return String(value)
  }
}

/* For a figure that stands alone: in Chinese 12.35万 where it is large. */
export function short_text(value: Cell, kind: string, currency: string): string {
  const shortens = language() === 'zh-CN' && typeof value === 'number' && Math.abs(value) >= LARGE
  if (!shortens || kind === 'ratio' || !is_figure(kind)) return cell_text(value, kind, currency)
  const options: Intl.NumberFormatOptions = { notation: 'compact', maximumFractionDigits: 2 }
  if (kind === 'amount' || kind === 'mean_amount')
    Object.assign(options, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' })
  return number_text(value, options)
}

/* So many bytes, in binary units. */
export function bytes_text(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let left = bytes
  for (; left >= 1024 && unit < units.length - 1; unit++) left /= 1024
  return number_text(left, { maximumFractionDigits: unit > 0 ? 1 : 0 }) + ' ' + units[unit]
}

/* A date picker gives a day at the reader's midnight. */
export function day_of(date: Date): string {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 10)
}
