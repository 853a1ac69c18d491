/* The parts of ECharts that the pages draw with, and a chart that follows size and theme. Drawn as SVG: sharp in print and
 * at any zoom, and its texts are texts. */
import { BarChart, CustomChart, LineChart } from 'echarts/charts'
import { GridComponent, TooltipComponent } from 'echarts/components'
import { init, use, type EChartsCoreOption } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { onBeforeUnmount, onMounted, watch, type Ref } from 'vue'
import { language } from '../../language'
import { dark } from '../../theme'

use([BarChart, CustomChart, LineChart, GridComponent, TooltipComponent, SVGRenderer])

export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()
}

/* press: what to do with a point that is pressed, given as its series' value. */
export function use_chart(place: Ref<HTMLElement | undefined>, option: () => EChartsCoreOption, press?: (value: unknown) => void) {
  onMounted(() => {
    if (!place.value) return
    const chart = init(place.value, null, { renderer: 'svg' })
    const draw = () => chart.setOption({ animation: false, textStyle: { fontFamily: token('font') }, ...option() }, true)
    if (press) chart.on('click', (at) => press(at.value))
    const observer = new ResizeObserver(() => chart.resize())
    observer.observe(place.value)
    watch([option, dark], draw, { immediate: true, flush: 'post' })
    onBeforeUnmount(() => {
      observer.disconnect()
      chart.dispose()
    })
  })
}

/* --- What all charts share --- */

export function tooltip_style() {
  return {
    trigger: 'axis',
    confine: true,
    backgroundColor: token('surface'),
    borderColor: token('line'),
    textStyle: { color: token('ink'), fontSize: 13 },
  }
}
/* An axis along the bottom, with its name below it. */
export function across(name: string) {
  return {
    name,
    nameLocation: 'middle',
    nameGap: 30,
    nameTextStyle: { color: token('ink-soft'), fontSize: 13 },
    axisLine: { lineStyle: { color: token('line') } },
    axisTick: { lineStyle: { color: token('line') } },
    axisLabel: { color: token('ink-soft'), fontSize: 13, hideOverlap: true, alignMaxLabel: 'right' },
    splitLine: { show: false },
  }
}
/* An axis upwards: its lines lie behind the figures. */
export function upwards(write: (value: number) => string) {
  return {
    type: 'value',
    axisLabel: { color: token('ink-soft'), fontSize: 13, formatter: write },
    splitLine: { lineStyle: { color: token('line') } },
  }
}
export const ROOM = { left: 4, right: 24, top: 16, bottom: 36, containLabel: true }

export function whole_percent(value: number): string {
  return new Intl.NumberFormat(language(), { style: 'percent', maximumFractionDigits: 0 }).format(value)
}
export function short_count(value: number): string {
  return new Intl.NumberFormat(language(), { notation: 'compact', maximumFractionDigits: 1, useGrouping: true }).format(value)
}
/* Text of the data, safe within the tooltip's HTML. */
export function as_html(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign)
}
