/* What the page Import knows: the answer of a check or an import (docs/import-json.md), uploads, live progress. */
import { onUnmounted } from 'vue'
import { api, type Problem, type Schema } from '../../api/client'
import { language } from '../../language'
import { session } from '../../session'

export type Import = Schema['Import']
export type Brief = Schema['ImportBrief']
export type Choices = Schema['ImportChoices']
export type Wish = Schema['ImportWishInput']

export interface FileColumn { column: string; letter: string; samples: string[] }
export interface Candidate { map: string; title_en: string | null; title_zh: string | null; columns: number; distinctive: boolean; missing: string[] }
export interface Wrong { code: string; sheet: string | null; column: string | null; cell: string | null; value: string | null; message_en: string; message_zh: string }
export interface ImportProblem extends Wrong { rows: number; first_line: number }
export interface WordRead { column: string; value: string; read_as: string | null; title_en: string | null; title_zh: string | null; rows: number }
export interface PreviewRow { line: number; sheet: string | null; verdict: string; title_en: string; title_zh: string; wrong: Wrong | null; values: Record<string, string | null> }
export interface Sheet { name: string; read: boolean; rows: number; hidden_rows: number; message_en: string | null; message_zh: string | null }
export interface Warning { kind: string; column: string; message_en: string; message_zh: string }
/* One of files[] of docs/import-json.md. */
export interface FileAnswer {
  map: string; map_recognised: boolean; map_title_en: string | null; map_title_zh: string | null
  recognition?: { columns_read: string[]; columns_known: string[]; columns_unknown: string[]; common_names: boolean; candidates: Candidate[] }
  encoding: string; delimiter: string | null; header_row: number; source: string
  file_known: boolean; exported_at: string | null; exported_at_from: string; exported_at_sure: boolean
  rows: number; rows_skipped: number; rows_repeated: number; rows_rejected: number; rows_hidden: number
  orders: number; orders_new: number; orders_changed: number; orders_same: number; orders_older: number; orders_kept: number
  orders_unpaid: number; orders_without_buyer: number; orders_by_receiver: number; orders_rejected: number; orders_lines_exceed: number
  refunds: number; refunds_new: number; refunds_changed: number; refunds_by_state: number; refunds_without_order: number
  customers_seen: number; masked_values: number; lost_values: number
  currency: string; amount: string; refund_amount: string
  changed_amount_before: string; changed_amount_after: string; changed_refund_before: string; changed_refund_after: string
  first_day: string | null; last_day: string | null
  sheets: Sheet[]; columns: { column: string; letter: string; kind: string; title_en: string; title_zh: string; personal: boolean }[]
  columns_not_read: string[]; values: WordRead[]; values_more_rows: number
  preview?: PreviewRow[]; warnings: Warning[]; problems: ImportProblem[]; reject_file: string | null
}

/* Of "title_en", "title_zh" (or another name in front) the reader's. */
export function in_language(object: object, name: string): string {
  const by_name = object as Record<string, string | null | undefined>
  return by_name[language() === 'zh-CN' ? name + '_zh' : name + '_en'] ?? ''
}

const AT_WORK = ['checking', 'waiting', 'running']
const OVER = ['done', 'discarded']
export function is_at_work(state: string): boolean {
  return AT_WORK.includes(state)
}
export function is_over(one: { state: string; is_upload?: boolean | null }): boolean {
  return OVER.includes(one.state) || !one.is_upload
}

/* --- Uploads --- */

function new_key(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

/* fetch cannot say how much of a body has been sent. */
export function upload(file: File, on_sent: (share: number) => void): Promise<{ data?: Import; error?: Problem }> {
  const query = new URLSearchParams({ name: file.name, modified_at: new Date(file.lastModified).toISOString() })
  return new Promise((resolve) => {
    const request = new XMLHttpRequest()
    request.open('POST', '/api/v1/imports?' + query)
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.setRequestHeader('Accept-Language', language())
    request.setRequestHeader('X-CSRF-Token', session.me?.csrf_token ?? '')
    request.setRequestHeader('Idempotency-Key', new_key())
    request.responseType = 'json'
    request.upload.onprogress = (event) => on_sent(event.total > 0 ? event.loaded / event.total : 1)
    request.onload = () => resolve(request.status < 300 ? { data: request.response as Import } : { error: request.response as Problem })
    request.onerror = () => resolve({})
    request.send(file)
  })
}

/* --- What changes meanwhile --- */

export interface Progress { import_id: string; state: string; phase?: string; done?: number; total?: number }
const ASK_AGAIN_MS = 2000

/* Calls `heard` for every word of the server about imports while the page is open, and `ask` now and then while
 * something is at work: a stream may be cut by what stands between. */
export function use_live(heard: (progress: Progress) => void, ask: () => unknown, at_work: () => boolean) {
  const stream = new EventSource('/api/v1/stream')
  stream.addEventListener('import', (event) => heard(JSON.parse((event as MessageEvent<string>).data) as Progress))
  const timer = setInterval(() => at_work() && ask(), ASK_AGAIN_MS)
  onUnmounted(() => {
    stream.close()
    clearInterval(timer)
  })
}

export async function act(import_id: string, what: 'start' | 'stop') {
  const options = { params: { path: { import_id } } }
  return what === 'start'
    ? api.POST('/api/v1/imports/{import_id}/start', options)
    : api.POST('/api/v1/imports/{import_id}/stop', options)
}
