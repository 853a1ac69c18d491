/* Who is logged in, and what brand this is. */
import { reactive } from 'vue'
import type { components } from './api/schema'

type Me = components['schemas']['Me']
type Status = components['schemas']['Status']

/* The session itself is a cookie that scripts cannot see; this only says whether asking for it is worth a request. */
const KEPT_AS = 'huitou.logged_in'

export const session = reactive<{ me: Me | null; status: Status | null; leave: () => void }>({
  me: null,
  status: null,
  leave: () => undefined,
})

export function may(operation: string): boolean {
  return session.me?.may?.includes(operation) ?? false
}

export function was_logged_in(): boolean {
  return localStorage.getItem(KEPT_AS) !== null
}

export function session_begins(me: Me) {
  session.me = me
  localStorage.setItem(KEPT_AS, '1')
}

export function session_forgotten() {
  session.me = null
  localStorage.removeItem(KEPT_AS)
}

export function session_is_over() {
  session_forgotten()
  session.leave()
}
