/* The language of the pages: the reader's choice, else the browser's. */
import { createI18n } from 'vue-i18n'
import en from './text/en.json'
import zh from './text/zh-CN.json'

export type Language = 'en' | 'zh-CN'
const KEPT_AS = 'huitou.language'

function first_language(): Language {
  const kept = localStorage.getItem(KEPT_AS)
  if (kept === 'en' || kept === 'zh-CN') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

export const i18n = createI18n({
  legacy: false,
  locale: first_language(),
  fallbackLocale: 'en',
  flatJson: true,
  messages: { en, 'zh-CN': zh },
})

export function language(): Language {
  return i18n.global.locale.value as Language
}

export function set_language(wanted: Language) {
  i18n.global.locale.value = wanted
  localStorage.setItem(KEPT_AS, wanted)
  document.documentElement.lang = wanted
}
document.documentElement.lang = language()
