-- Billing's own data: invoices refer to orders by id; the copies of the shop's tables arrive in the schema shop.
SET ROLE NONE;
GRANT CREATE, USAGE ON SCHEMA public TO billing;
SET ROLE billing;

CREATE TABLE invoices (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id bigint NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT now()
);
