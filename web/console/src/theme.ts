/* Light or dark: the reader's choice, else the system's. */
import { ref } from 'vue'

const KEPT_AS = 'huitou.theme'
const kept = localStorage.getItem(KEPT_AS)
export const dark = ref(kept ? kept === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches)

function show() {
  document.documentElement.classList.toggle('dark', dark.value)
}

export function toggle_theme() {
  dark.value = !dark.value
  localStorage.setItem(KEPT_AS, dark.value ? 'dark' : 'light')
  show()
}
show()
