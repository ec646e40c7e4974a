-- The shop: customers order products, items take them from stock, payments settle orders.
SET ROLE shop;

CREATE TYPE order_status AS ENUM ('draft', 'placed', 'paid', 'shipped', 'cancelled');
CREATE TYPE payment_method AS ENUM ('card', 'invoice', 'voucher');

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  email text NOT NULL UNIQUE,
  vip boolean NOT NULL DEFAULT false,
  notes text,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE products (
  sku varchar(40) PRIMARY KEY,
  name text NOT NULL,
  price numeric(12, 2) NOT NULL CHECK (price >= 0),
  description text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE stock (
  sku varchar(40) PRIMARY KEY REFERENCES products ON UPDATE CASCADE,
  on_hand integer NOT NULL CHECK (on_hand >= 0)
);

CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  status order_status NOT NULL DEFAULT 'draft',
  net numeric(12, 2) NOT NULL DEFAULT 0,
  tax numeric(12, 2) NOT NULL DEFAULT 0,
  placed_at timestamptz
);

CREATE TABLE order_items (
  order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  line integer NOT NULL,
  sku varchar(40) NOT NULL REFERENCES products ON UPDATE CASCADE,
  quantity integer NOT NULL CHECK (quantity > 0),
  price numeric(12, 2) NOT NULL,
  PRIMARY KEY (order_id, line)
);

CREATE TABLE payments (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  order_id bigint NOT NULL REFERENCES orders,
  amount numeric(12, 2) NOT NULL,
  method payment_method NOT NULL,
  details jsonb NOT NULL DEFAULT '{}',
  paid_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
