/* The demo brand, as it is made and taken away in the background. */
import { api, problem_text, type Schema } from './api/client'
import { session, session_begins } from './session'

const ASK_AGAIN_MS = 300

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
}

/* Asks how it goes until it has ended; why it failed, or ''. */
async function ended(tell: (demo: Schema['Demo']) => void): Promise<string> {
  for (;;) {
    const { data, error } = await api.GET('/api/v1/demo')
    if (error) return problem_text(error)
    if (data.state === 'failed') return data.error ?? ''
    if (data.state !== 'at_work') return ''
    tell(data)
    await pause()
  }
}

export async function demo_is_gone(): Promise<string> {
  return ended(() => undefined)
}

/* Makes the demo brand; why it could not be made, or ''. */
export async function make_demo(token: string, tell: (demo: Schema['Demo']) => void): Promise<string> {
  const { error } = await api.POST('/api/v1/demo', { body: { token } })
  return error ? problem_text(error) : ended(tell)
}

/* Begins the session of the demo's owner; why it could not be, or ''. */
export async function enter_demo(token: string): Promise<string> {
  const { error } = await api.POST('/api/v1/demo/session', { body: { token } })
  if (error) return problem_text(error)
  session.status = (await api.GET('/api/v1/status')).data ?? null
  const me = await api.GET('/api/v1/session')
  if (!me.data) return problem_text(me.error)
  session_begins(me.data)
  return ''
}
