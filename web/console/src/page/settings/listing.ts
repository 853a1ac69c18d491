/* A list that a page loads once and again when asked, or when the language changes. */
import { ref, shallowRef, watch } from 'vue'
import { problem_text } from '../../api/client'
import { language } from '../../language'

export function use_loaded<T>(get: () => Promise<{ data?: T; error?: unknown }>) {
  const data = shallowRef<T | null>(null)
  const error = ref('')
  async function load() {
    error.value = ''
    const answer = await get()
    if (answer.data === undefined) error.value = problem_text(answer.error)
    else data.value = answer.data
  }
  watch(language, load, { immediate: true })
  return { data, error, load }
}
