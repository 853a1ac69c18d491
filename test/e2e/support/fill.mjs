/* What a test brand sells and to whom. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { ONLINE_RETAIL } from './brand.mjs'

/* A year of a real shop (test/data/online_retail/NOTICE.md): 541,909 lines, no names of people. */
export function fill_online_retail(brand) {
  brand.run('import', 'orders', '--map', 'online-retail', ONLINE_RETAIL)
  const lines = gunzipSync(readFileSync(ONLINE_RETAIL)).toString('utf8').split('\n')
  for (const line of lines.slice(1)) {
    const cells = line.match(/("([^"]|"")*"|[^,]*)(,|$)/g)?.map((cell) => cell.replace(/,$/, '').replace(/^"|"$/g, '').replace(/""/g, '"').trim()) ?? []
    for (const cell of [cells[1], cells[2], cells[7]]) if (cell) brand.known.whole.add(cell)
  }
}

/* Forty Chinese characters, and eighty Latin ones: the longest names that pages must bear. */
export const LONG = {
  brand: '杭州西湖龙井明前特级手工炒制茶叶与江南糕点蜜饯礼盒定制专营旗舰店（湖滨银泰总店）',
  brand_latin: 'The Honourable Company of Tea Merchants and Confectioners of Lower Saint Swithin',
  staff: '负责华东大区社群运营与会员维护的高级客户经理欧阳上官慕容诸葛南宫端木司徒令狐小玲',
  agent: 'Maximiliana Konstantinopolitanskaya-Featherstonehaugh of Llanfairpwllgwyngyllgog',
  products: [
    '明前特级西湖龙井手工炒制礼盒装二百五十克配青瓷双层隔热主人杯与旅行收纳袋节日限定',
    'Stainless Steel Vacuum Insulated Travel Tea Tumbler with Removable Infuser 500ml',
  ],
  channels: ['微信视频号直播间与社群团购小程序联合会场（华东大区春茶节专场）第二分会场官方小店', 'Marketplace of the Independent Speciality Tea Merchants of Greater Manchester UK'],
  customers: ['欧阳上官慕容诸葛南宫端木司徒令狐轩辕东方皇甫尉迟公羊澹台公冶宗政濮阳淳于单于太叔', 'Wolfeschlegelsteinhausenbergerdorff-Pneumonoultramicroscopicsilicovolcanoconiosi'],
  tags: ['春茶节直播间下单且九十天内二次回购并愿意为朋友推荐的高价值老客户（需专人来跟进）', 'Bought the spring tea gift boxes twice; asked to be told of the next first flush'],
}
const BUYERS = 24

/* Small, of one's own making: buyers who come back after 5 to 60 days, in two channels, for two products; amounts large
 * enough that figures are long as well. */
export function fill_long_names(brand) {
  const rows = [['订单号', '下单时间', '小计', '商品编码', '商品名称', '渠道', '手机号', '客户姓名', '退款金额']]
  let number = 0
  for (let buyer = 0; buyer < BUYERS; buyer++)
    for (let turn = 0; turn <= buyer % 5; turn++) {
      const day = new Date(Date.UTC(2025, 0, 3 + buyer * 9 + turn * (5 + ((buyer * 7) % 55))))
      const amount = 1_234_567.8 + 9_871.23 * buyer + 117 * turn
      const kind = (buyer + turn) % 2
      rows.push([
        `LONG-NAMES-${String(++number).padStart(6, '0')}`, day.toISOString().slice(0, 10) + ' 10:00:00', amount.toFixed(2), `CODE-OF-A-PRODUCT-${kind}`,
        LONG.products[kind], LONG.channels[buyer % 2], String(13_800_000_000 + buyer), LONG.customers[buyer % 2] , number % 9 === 0 ? '100.00' : '',
      ])
    }
  const file = join(brand.base, 'orders.csv')
  writeFileSync(file, rows.map((row) => row.map((cell) => `"${cell}"`).join(',')).join('\n') + '\n')
  brand.run('import', 'orders', '--map', 'own-lines', file)
  brand.knows(...LONG.products, ...LONG.channels, ...LONG.customers, ...LONG.tags)
  for (let kind = 0; kind < 2; kind++) brand.known.whole.add(`CODE-OF-A-PRODUCT-${kind}`)
  const { customers } = JSON.parse(brand.run('customer', 'find', '13800000000', '--json'))
  const { customer_id } = customers[0]
  for (const tag of LONG.tags) brand.run('customer', 'tag', customer_id, tag)
}

/* People with names as long, once the brand is served. */
export async function add_long_staff(brand) {
  await brand.add_staff({ login: 'manager-of-the-east', name: LONG.staff, role: 'client_manager' })
  await brand.add_staff({ login: 'agent-of-the-east', name: LONG.agent, role: 'agent' })
}
