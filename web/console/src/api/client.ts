/* The API, typed from its own document (docs/api/openapi.json). */
import createClient from 'openapi-fetch'
import { i18n, language } from '../language'
import { session, session_is_over } from '../session'
import type { components, paths } from './schema'

export type Schema = components['schemas']
export interface Problem {
  status: number
  detail: string
  request_id?: string
  errors?: { code: string; pointer: string | null; detail: string }[]
}

/* What stands in place of an answer that is none: the page shows its text. */
function no_answer(status: number, detail: string): Response {
  return new Response(JSON.stringify({ status, detail }), { status, headers: { 'Content-Type': 'application/problem+json' } })
}

export const api = createClient<paths>({ baseUrl: location.origin })
api.use({
  onRequest({ request }) {
    request.headers.set('Accept-Language', language())
    if (request.method !== 'GET' && session.me?.csrf_token)
      request.headers.set('X-CSRF-Token', session.me.csrf_token)
    return request
  },
  onResponse({ request, response }) {
    const logs_in = request.method === 'POST' && request.url.endsWith('/api/v1/session')
    if (response.status === 401 && !logs_in) session_is_over()
    /* A proxy that stands before the server has pages of its own for this. */
    const ours = /json/.test(response.headers.get('Content-Type') ?? '')
    return response.ok || ours ? undefined : no_answer(response.status, i18n.global.t('state.bad_answer', { status: response.status }))
  },
  onError: () => no_answer(503, i18n.global.t('state.no_answer')),
})

/* "/login", "?from", "/scopes/0", "{tag}" → the field as a form calls it. */
function field_of(pointer: string): string {
  return (pointer.replace(/^[/?{]|\}$/g, '').split('/')[0] ?? '').replace(/-/g, '_')
}

/* What is wrong by field; what belongs to none of `fields` stands under ''. */
export function field_errors(problem: unknown, fields: string[]): Record<string, string> {
  const given = problem as Problem
  const by_field: Record<string, string> = {}
  for (const error of given.errors ?? [{ code: '', pointer: null, detail: given.detail }]) {
    const field = error.pointer ? field_of(error.pointer) : ''
    const place = fields.includes(field) ? field : ''
    const text = place && error.pointer ? without_field(error.detail, error.pointer) : error.detail
    by_field[place] = by_field[place] ? by_field[place] + ' ' + text : text
  }
  return by_field
}

/* The form shows which field it is: the text need not. */
function without_field(detail: string, pointer: string): string {
  const text = detail.startsWith(pointer) ? detail.slice(pointer.length).replace(/^\s*[:：]\s*/, '') : detail
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function problem_text(problem: unknown): string {
  return (problem as Problem | undefined)?.detail ?? String(problem)
}
