/* Which reports there are, in the reader's language, and how the pages order, ask and draw them. */
import { ref, watch } from 'vue'
import { api, problem_text, type Schema } from '../../api/client'
import { language } from '../../language'
import type { Cell } from '../../format'

export type Declaration = Schema['ReportDeclaration']
export type Section = Schema['ReportSection']
export type Column = Schema['ReportColumn']
export type Row = Record<string, Cell>

export function use_reports() {
  const reports = ref<Declaration[] | null>(null)
  const error = ref('')
  async function load() {
    error.value = ''
    const answer = await api.GET('/api/v1/reports')
    if (answer.error) error.value = problem_text(answer.error)
    else reports.value = answer.data.items ?? []
  }
  watch(language, load, { immediate: true })
  return { reports, error, load }
}

export function column_of(section: Section, name: string | null | undefined): Column | undefined {
  return section.columns?.find((column) => column.name === name)
}

/* The reports by what an operator wants to know, each with its question; one that is not here stands at the end. */
export const GROUPS = [
  {
    title: 'insight.come_back',
    asks: {
      repurchase: 'ask.repurchase',
      nday: 'ask.nday',
      cohorts: 'ask.cohorts',
      'second-purchase': 'ask.second_purchase',
      rhythm: 'ask.rhythm',
      frequency: 'ask.frequency',
    },
  },
  {
    title: 'insight.worth',
    asks: {
      totals: 'ask.totals',
      monthly: 'ask.monthly',
      rfm: 'ask.rfm',
      concentration: 'ask.concentration',
      'cohort-revenue': 'ask.cohort_revenue',
    },
  },
  { title: 'insight.began', asks: { 'by-channel': 'ask.by_channel', 'by-first-product': 'ask.by_first_product' } },
  { title: 'insight.leaving', asks: { overdue: 'ask.overdue' } },
] as const satisfies readonly { title: string; asks: Record<string, string> }[]

/* Sections that a chart shows beside their table. */
export type Chart = 'bars' | 'lorenz'
const CHARTS: Record<string, Chart> = { 'frequency/frequency': 'bars', 'monthly/monthly': 'bars', 'concentration/top': 'lorenz' }
export function chart_of(report: string, section: Section): Chart | undefined {
  return CHARTS[`${report}/${section.name}`]
}

/* Codes that stand in text cells, in words; null: not a code. */
export function code_text(t: (key: string) => string, column: Column, value: Cell): string | null {
  if (column.name !== 'basis') return null
  if (value === 'own') return t('basis.own')
  if (value === 'brand') return t('basis.brand')
  return value === 'none' ? t('basis.none') : null
}
