-- The service's own role, and the role that captures it: replication for the slot, membership in the owner for the publication.
CREATE ROLE shop LOGIN PASSWORD :'SHOP_PASSWORD';
CREATE ROLE capture LOGIN REPLICATION PASSWORD :'SHOP_CAPTURE_PASSWORD';
GRANT shop TO capture;
GRANT CREATE ON DATABASE shop TO shop;
GRANT CREATE, USAGE ON SCHEMA public TO shop;
