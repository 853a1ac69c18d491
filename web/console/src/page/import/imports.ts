/* What the page Import knows: what a check or an import answered, uploads, live progress. */
import { onUnmounted } from 'vue'
import { api, type Problem, type Schema } from '../../api/client'
import { language } from '../../language'
import { session } from '../../session'

export type Import = Schema['Import']
export type Brief = Schema['ImportBrief']
export type Choices = Schema['ImportChoices']
export type Wish = Schema['ImportWishInput']

export type FileColumn = Schema['ImportFileColumn']
export type ImportProblem = Schema['ImportProblem']
export type WordRead = Schema['ImportStateWord']
export type Plan = Schema['ImportPlan']
export type Outcome = Schema['ImportOutcome']

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
