-- The role the sync writes with. It makes its own schema for the copies; the service reads them.
CREATE ROLE sync LOGIN PASSWORD :'BILLING_SYNC_PASSWORD';
CREATE ROLE billing LOGIN PASSWORD :'BILLING_PASSWORD';
GRANT CREATE ON DATABASE billing TO sync;
GRANT pg_read_all_data TO billing;
