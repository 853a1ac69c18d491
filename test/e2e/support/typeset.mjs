/* Finds text that is badly set. Runs inside the page, so that it stands on its own: page.evaluate(badly_set_text).
 *
 * Four things are wrong: the page scrolls sideways; text is cut off by a box that cannot be scrolled (cut with "…" is fine
 * where a title has the whole text); text sticks out of the box it stands in; two texts lie on each other. */
export function badly_set_text() {
  const found = []
  const LEAST_PX = 1.5

  function name_of(element) {
    const classes = typeof element.className === 'string' ? element.className.trim().split(/\s+/).slice(0, 3).join('.') : ''
    return element.tagName.toLowerCase() + (element.id ? '#' + element.id : classes ? '.' + classes : '')
  }
  function tell(what, text, where, more = '') {
    found.push(`${what}: "${text.slice(0, 60)}" in ${name_of(where)}${more}`)
  }
  function scrolls(style, axis) {
    return ['auto', 'scroll'].includes(axis === 'x' ? style.overflowX : style.overflowY)
  }
  function cuts(style, axis) {
    return ['hidden', 'clip'].includes(axis === 'x' ? style.overflowX : style.overflowY)
  }
  /* For those who listen only. */
  function only_heard(element) {
    const style = getComputedStyle(element)
    const box = element.getBoundingClientRect()
    return style.clipPath === 'inset(50%)' || style.clip === 'rect(0px, 0px, 0px, 0px)' || box.width <= 1 || box.height <= 1 || box.right < 0
  }
  function whole_in_title(element, text) {
    for (let one = element; one; one = one.parentElement) if (one.getAttribute('title')?.includes(text)) return true
    return false
  }

  /* --- Each line of each text: where it lies, and what of it can be seen --- */

  function lines_of(node) {
    const range = document.createRange()
    range.selectNodeContents(node)
    return [...range.getClientRects()].filter((rect) => rect.width > 0.5 && rect.height > 0.5)
  }
  const texts = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const node = walker.currentNode
    const element = node.parentElement
    const text = node.data.replace(/\s+/g, ' ').trim()
    if (!text || !element || ['SCRIPT', 'STYLE', 'NOSCRIPT', 'TITLE', 'DESC'].includes(element.tagName)) continue
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true, checkOpacity: true, checkVisibilityCSS: true })) continue
    if (only_heard(element)) continue
    texts.push({ text, element, lines: lines_of(node) })
  }

  /* What holds a text's line: walks outwards from its element to the page, or to the first box that can be scrolled. */
  function look_at_line({ text, element }, rect) {
    let seen = { left: rect.left, right: rect.right, top: rect.top, bottom: rect.bottom }
    let needs_position = false
    let frames = true
    let layer = document.documentElement
    let in_layer = true
    for (let box = element; box && box !== document.documentElement; box = box.parentElement) {
      const style = getComputedStyle(box)
      const skipped = needs_position && style.position === 'static'
      if (!skipped && style.display !== 'inline' && style.display !== 'contents' && !(box instanceof SVGElement && box.tagName !== 'svg')) {
        needs_position = false
        const edge = box.getBoundingClientRect()
        const over_x = Math.max(edge.left - seen.left, seen.right - edge.right)
        const over_y = Math.max(edge.top - seen.top, seen.bottom - edge.bottom)
        const tolerance_y = rect.height * 0.3
        if (cuts(style, 'x') && over_x > LEAST_PX && !whole_in_title(element, text)) return void tell('cut off', text, box, ` by ${Math.round(over_x)} px`)
        if (cuts(style, 'y') && over_y > tolerance_y && !whole_in_title(element, text)) return void tell('cut off below', text, box, ` by ${Math.round(over_y)} px`)
        if (cuts(style, 'x') || cuts(style, 'y') || scrolls(style, 'x') || scrolls(style, 'y')) {
          seen = { left: Math.max(seen.left, edge.left), right: Math.min(seen.right, edge.right), top: Math.max(seen.top, edge.top), bottom: Math.min(seen.bottom, edge.bottom) }
          if (seen.right - seen.left < 1 || seen.bottom - seen.top < 1) return
          if (scrolls(style, 'x') || scrolls(style, 'y')) frames = false
        } else if (frames && edge.width > 0 && over_x > LEAST_PX) return void tell('sticks out', text, box, ` by ${Math.round(over_x)} px`)
      }
      if (style.position === 'absolute') needs_position = true
      if (style.position === 'absolute' || style.position === 'fixed') frames = false
      if (in_layer && (['fixed', 'sticky'].includes(style.position) || (style.position === 'absolute' && style.zIndex !== 'auto'))) {
        layer = box
        in_layer = false
      }
      if (style.position === 'fixed') break
    }
    return { seen, layer }
  }

  const lines = []
  for (const one of texts)
    for (const rect of one.lines) {
      const looked_at = look_at_line(one, rect)
      if (!looked_at) continue
      const { seen, layer } = looked_at
      const height = seen.bottom - seen.top
      lines.push({ ...one, layer, left: seen.left + 1, right: seen.right - 1, top: seen.top + height * 0.22, bottom: seen.bottom - height * 0.22 })
    }

  /* --- The page, overlaps, values in fields --- */

  const root = document.documentElement
  if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth - root.clientWidth} px too wide`)
  lines.sort((a, b) => a.top - b.top)
  for (let i = 0; i < lines.length; i++)
    for (let j = i + 1; j < lines.length && lines[j].top < lines[i].bottom; j++) {
      const a = lines[i]
      const b = lines[j]
      if (a.element === b.element || a.layer !== b.layer || a.left >= b.right || b.left >= a.right) continue
      tell('overlap', a.text, a.element, ` with "${b.text.slice(0, 40)}" in ${name_of(b.element)}`)
    }
  for (const field of document.querySelectorAll('input'))
    if ((field.readOnly || field.closest('.el-date-editor')) && field.checkVisibility() && field.scrollWidth > field.clientWidth + 1)
      tell('cut off value', field.value, field, ` by ${field.scrollWidth - field.clientWidth} px`)
  return [...new Set(found)]
}
