/* Figures as pages must write them, made from the decimals that `huitou report --json` prints, without binary fractions
 * and without Intl: a second opinion on web/console/src/format.ts. */

/* JSON with every number as { number: 'its text' }. */
export function parse_exact(text) {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g, (part) => (part[0] === '"' ? part : `{"number":"${part}"}`))
  return JSON.parse(marked)
}

/* "-12.345" with so many digits after the point, half away from zero; no "-" before a zero. */
export function rounded(text, digits) {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text)
  const scale = fraction.length - Number(exponent)
  let units = BigInt(whole + fraction)
  if (scale <= digits) units *= 10n ** BigInt(digits - scale)
  else {
    const step = 10n ** BigInt(scale - digits)
    units = (units + step / 2n) / step
  }
  const shown = String(units).padStart(digits + 1, '0')
  const point = shown.length - digits
  return (sign && units !== 0n ? '-' : '') + shown.slice(0, point) + (digits ? '.' + shown.slice(point) : '')
}

/* Grouped by thousands, as both languages do. */
function grouped(text) {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(text)
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ',') + fraction
}

/* At most `most` digits after the point, at least `least`. */
export function plain_text(text, least, most) {
  let [whole, fraction = ''] = rounded(text, most).split('.')
  while (fraction.length > least && fraction.endsWith('0')) fraction = fraction.slice(0, -1)
  return grouped(fraction ? `${whole}.${fraction}` : whole).replace(/^-0$/, '0')
}

export function percent_text(text) {
  return grouped(rounded(shifted(text, 2), 1)) + '%'
}

/* The decimal times ten to the power of `places`. */
function shifted(text, places) {
  const [mantissa, exponent = '0'] = text.toLowerCase().split('e')
  return `${mantissa}e${Number(exponent) + places}`
}

const SYMBOLS = { GBP: '£', CNY: '¥', USD: '$', EUR: '€', JPY: '¥' }
export function money_text(text, currency, digits) {
  const plain = grouped(rounded(text, digits))
  return plain.startsWith('-') ? '-' + SYMBOLS[currency] + plain.slice(1) : SYMBOLS[currency] + plain
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
export function day_text(day, language) {
  const [year, month, date] = day.split('-').map(Number)
  return language === 'en' ? `${MONTHS[month - 1]} ${date}, ${year}` : `${year}年${month}月${date}日`
}
export function month_text(month, language) {
  const [year, number] = month.split('-').map(Number)
  return language === 'en' ? `${MONTHS[number - 1]} ${year}` : `${year}年${number}月`
}

/* One cell: `value` as parse_exact gives it, `kind` as the report declares it. */
export function cell_text(value, kind, { language, currency, digits }) {
  if (value === null || value === undefined || value === '') return '–'
  switch (kind) {
    case 'count':
      return plain_text(value.number, 0, 0)
    case 'amount':
    case 'mean_amount':
      return money_text(value.number, currency, digits)
    case 'ratio':
      return percent_text(value.number)
    case 'number':
      return plain_text(value.number, 0, 2)
    case 'day':
      return day_text(value, language)
    case 'month':
      return month_text(value, language)
    default:
      /* A page shows spaces in a row as one. */
      return String(value).replace(/\s+/g, ' ').trim()
  }
}
