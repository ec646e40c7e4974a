import { postgresSink, secret, sync } from 'millrace'
import { customers, orderItems, orders, payments, products, stock } from '../schemas/shop.js'

/** Billing keeps its own copy of what it needs of the shop, transaction by transaction. */
export default sync({
  from: { customers, products, stock, orders, orderItems, payments },
  to: postgresSink({
    database: 'billing',
    user: 'sync',
    password: secret('BILLING_SYNC_PASSWORD'),
    schema: 'shop',
  }),
  tables: {
    customers: { columns: ['id', 'name', 'email'] },
    orders: {
      where: (order) => order.status !== 'draft',
      row: (order) => ({ ...order, total: order.net.plus(order.tax) }),
    },
    // Items and payments of a draft have no order here: billing reads them through the orders it has.
    orderItems: { foreignKeys: 'omit' },
    payments: { foreignKeys: 'omit' },
  },
})
