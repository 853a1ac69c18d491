import { createApp } from 'vue'
import App from './App.vue'
import './style/tokens.css'
import './style/page.css'
import { i18n } from './language'
import { router } from './router'

createApp(App).use(i18n).use(router).mount('#app')
