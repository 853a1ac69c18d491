/* Every view has its own address. */
import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import { api } from './api/client'
import { may, session, session_begins, was_logged_in } from './session'

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? undefined : { top: 0 }),
  routes: [
    { path: '/welcome', component: () => import('./page/WelcomePage.vue'), meta: { open: true } },
    { path: '/login', component: () => import('./page/LoginPage.vue'), meta: { open: true } },
    {
      path: '/',
      component: () => import('./page/ShellPage.vue'),
      children: [
        { path: '', redirect: () => (may('getToday') ? '/today' : may('listCustomers') ? '/customers' : '/settings') },
        { path: 'today', component: () => import('./page/today/TodayPage.vue') },
        { path: 'customers', component: () => import('./page/customers/ListPage.vue') },
        { path: 'insight', component: () => import('./page/insight/IndexPage.vue') },
        { path: 'insight/:report', component: () => import('./page/insight/ReportPage.vue') },
        { path: 'customers/changes', component: () => import('./page/customers/ChangesPage.vue') },
        { path: 'customers/proposals', component: () => import('./page/person/ProposalsPage.vue') },
        { path: 'customers/:customer_id(\\d+)', component: () => import('./page/person/PersonPage.vue') },
        { path: 'import', component: () => import('./page/import/ImportPage.vue') },
        { path: 'import/:import_id', component: () => import('./page/import/OneImportPage.vue') },
        {
          path: 'settings',
          component: () => import('./page/settings/SettingsPage.vue'),
          children: [
            { path: '', redirect: '/settings/account' },
            { path: 'account', component: () => import('./page/settings/AccountPage.vue') },
            { path: 'staff', component: () => import('./page/settings/StaffPage.vue') },
            { path: 'roles', component: () => import('./page/settings/RolesPage.vue') },
            { path: 'keys', component: () => import('./page/settings/KeysPage.vue') },
            { path: 'audit', component: () => import('./page/settings/AuditPage.vue') },
            { path: 'backups', component: () => import('./page/settings/BackupsPage.vue') },
            { path: 'security', component: () => import('./page/settings/SecurityPage.vue') },
            { path: 'system', component: () => import('./page/settings/SystemPage.vue') },
          ],
        },
        { path: ':rest(.*)*', component: () => import('./page/MissingPage.vue') },
      ],
    },
  ],
})

async function load_session() {
  if (!session.status) session.status = (await api.GET('/api/v1/status')).data ?? null
  if (session.me || !was_logged_in()) return
  const { data } = await api.GET('/api/v1/session')
  if (data) session_begins(data)
}

router.beforeEach(async (to: RouteLocationNormalized) => {
  await load_session()
  if (session.status && !session.status.owner_exists && !session.me) return to.path === '/welcome' ? true : '/welcome'
  if (to.path === '/welcome') return '/'
  if (to.meta.open) return true
  return session.me ? true : { path: '/login', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
})

session.leave = () => {
  const here = router.currentRoute.value
  if (!here.meta.open && here.matched.length > 0)
    void router.push({ path: '/login', query: { next: here.fullPath } })
}
