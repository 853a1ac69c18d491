/* What the parts of one customer's page share. */
import type { Schema } from '../../api/client'
import { cell_text } from '../../format'
import { language } from '../../language'
import { session } from '../../session'

export type Customer = Schema['Customer']
export type ErasedFile = Schema['EraseHolding']
export type Translate = (key: string) => string

export function money(amount: string | null | undefined): string {
  return cell_text(amount ?? null, 'amount', session.status?.currency ?? '')
}
/* Without the minor unit, for narrow places. */
export function whole_money(amount: string | null | undefined): string {
  if (amount === null || amount === undefined) return ''
  const options: Intl.NumberFormatOptions = { style: 'currency', currency: session.status?.currency ?? 'CNY', currencyDisplay: 'narrowSymbol', maximumFractionDigits: 0 }
  if (language() === 'zh-CN' && Math.abs(Number(amount)) >= 100_000) Object.assign(options, { notation: 'compact', maximumFractionDigits: 1 })
  return new Intl.NumberFormat(language(), options).format(Number(amount))
}
/* The day of a moment, in the brand's time zone. */
export function day_of_time(time: string): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: 'medium', timeZone: session.status?.time_zone ?? 'UTC' }).format(new Date(time))
}
export function count(n: number | null | undefined): string {
  return cell_text(n ?? null, 'count', '')
}
export function days(n: number | null | undefined): string {
  return cell_text(n ?? null, 'number', '')
}

export function identity_title(t: Translate, kind: string): string {
  const titles: Record<string, string> = {
    unionid: t('identity.unionid'),
    openid: t('identity.openid'),
    member_card: t('identity.member_card'),
    buyer_id: t('identity.buyer_id'),
    phone: t('identity.phone'),
    email: t('identity.email'),
    anonymous_id: t('identity.anonymous_id'),
  }
  return titles[kind] ?? kind
}
export function purpose_title(t: Translate, purpose: string): string {
  const titles: Record<string, string> = {
    marketing: t('consent.marketing'),
    service: t('consent.service'),
    profiling: t('consent.profiling'),
    sharing: t('consent.sharing'),
  }
  return titles[purpose] ?? purpose
}
export function channel_title(t: Translate, channel: string): string {
  const titles: Record<string, string> = {
    any: t('consent.any'),
    phone: t('consent.phone'),
    sms: t('consent.sms'),
    email: t('consent.email'),
    chat: t('consent.chat'),
    post: t('consent.post'),
  }
  return titles[channel] ?? channel
}
export function how_title(t: Translate, how: string): string {
  const titles: Record<string, string> = {
    form: t('consent.form'),
    spoken: t('consent.spoken'),
    message: t('consent.message'),
    contract: t('consent.contract'),
    import: t('consent.imported'),
    other: t('consent.other'),
  }
  return titles[how] ?? how
}
/* Where pages of other customers lie. */
export function address_of(customer_id: string): string {
  return `/customers/${customer_id}`
}
