/* Which reports there are, in the reader's language. */
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
