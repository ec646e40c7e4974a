import { defineConfig, embedded } from 'millrace'

/** Each service has a database of its own; here both run as parts of this project. */
export default defineConfig({
  databases: {
    shop: embedded({ sql: 'infra/postgres/shop' }),
    billing: embedded({ sql: 'infra/postgres/billing' }),
  },
})
