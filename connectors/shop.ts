import { postgresSource, secret } from 'millrace'

/** Captures the shop's Postgres into the log `shop.log`. */
export default postgresSource({
  database: 'shop',
  user: 'capture',
  password: secret('SHOP_CAPTURE_PASSWORD'),
  tables: [
    'public.customers',
    'public.products',
    'public.stock',
    'public.orders',
    'public.order_items',
    'public.payments',
  ],
})
