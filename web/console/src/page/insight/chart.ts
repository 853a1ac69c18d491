/* The parts of ECharts that the pages draw with, and a chart that follows size and theme. */
import { HeatmapChart, LineChart } from 'echarts/charts'
import { AriaComponent, GridComponent, TooltipComponent, VisualMapComponent } from 'echarts/components'
import { init, use, type EChartsCoreOption } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { onBeforeUnmount, onMounted, watch, type Ref } from 'vue'
import { dark } from '../../theme'

use([HeatmapChart, LineChart, GridComponent, TooltipComponent, VisualMapComponent, AriaComponent, CanvasRenderer])

export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()
}

/* press: what to do with a point that is pressed, given as its series' value. */
export function use_chart(place: Ref<HTMLElement | undefined>, option: () => EChartsCoreOption, press?: (value: unknown) => void) {
  onMounted(() => {
    if (!place.value) return
    const chart = init(place.value)
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
