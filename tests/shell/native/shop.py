"""A small shop with what makes copies stumble: every family of types, partitions, quoted names, keys of all kinds."""

from __future__ import annotations

SHOP = """
CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('new', 'sent', 'returned');
CREATE TYPE shop.size AS (width numeric, height numeric);
CREATE DOMAIN shop.email AS varchar(120) CHECK (value LIKE '%_@_%');
CREATE SEQUENCE shop.invoice START 1001;
CREATE TABLE shop.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email shop.email NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    name text NOT NULL, preferences jsonb NOT NULL DEFAULT '{}', credit numeric NOT NULL DEFAULT 0,
    since timestamptz NOT NULL DEFAULT now(), picture bytea, tags text[]
);
CREATE TABLE shop.orders (
    id bigint NOT NULL, placed date NOT NULL, customer_id bigint NOT NULL REFERENCES shop.customers,
    state shop.state NOT NULL DEFAULT 'new', invoice bigint NOT NULL DEFAULT nextval('shop.invoice'),
    total numeric(12, 2) NOT NULL, with_tax numeric GENERATED ALWAYS AS (total * 1.19) STORED,
    PRIMARY KEY (id, placed)
) PARTITION BY RANGE (placed);
CREATE TABLE shop.orders_h1 PARTITION OF shop.orders FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE shop.orders_h2 PARTITION OF shop.orders FOR VALUES FROM ('2026-07-01') TO ('2027-01-01');
CREATE INDEX orders_customer ON shop.orders (customer_id) WHERE state <> 'returned';
CREATE TABLE shop.parcels (id int PRIMARY KEY, history shop.state[] NOT NULL, box shop.size, weight double precision);
CREATE TABLE shop.clicks (seen timestamptz NOT NULL, path text NOT NULL, millis int);
CREATE TABLE shop."Rück""gaben" ("Nr" int PRIMARY KEY, "Größe (cm)" numeric, "Grund" text);
CREATE INDEX ON shop.clicks (path) INCLUDE (millis);
CREATE TABLE shop.empty (id int PRIMARY KEY, EXCLUDE USING gist (span WITH &&), span daterange);
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := NEW.name; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON shop.customers FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE STATISTICS shop.seen_path ON seen, path FROM shop.clicks;
CREATE VIEW shop.latest AS SELECT id, placed FROM shop.orders WHERE placed > '2026-11-01';
INSERT INTO shop.customers (email, name, preferences, credit, since, picture, tags)
SELECT format('c%s@example.org', i), 'Ada ' || i, jsonb_build_object('n', i, 'x', null), i / 7.0,
    timestamptz '2024-01-01 00:00+00' + i * interval '9 min', decode(md5(i::text), 'hex'),
    CASE WHEN i % 3 > 0 THEN ARRAY['a', 'ö "' || i, NULL] END
FROM generate_series(1, 2000) AS i;
INSERT INTO shop.orders (id, placed, customer_id, state, total)
SELECT i, date '2026-01-01' + i % 365, 1 + i % 2000, (ARRAY['new', 'sent', 'returned'])[1 + i % 3]::shop.state, i / 3.0
FROM generate_series(1, 5000) AS i;
INSERT INTO shop.parcels
SELECT i, ARRAY['new', 'sent']::shop.state[], CASE WHEN i % 2 > 0 THEN ROW(i, 2.5)::shop.size END,
    CASE i % 4 WHEN 0 THEN 'NaN' WHEN 1 THEN '-0' WHEN 2 THEN 'Infinity' ELSE 1 / 3.0::double precision END
FROM generate_series(1, 500) AS i;
INSERT INTO shop.clicks
SELECT timestamptz '2026-06-01 00:00+00' + i * interval '1 s', E'/p/\\t\\\\' || i % 50, CASE WHEN i % 2 > 0 THEN i END
FROM generate_series(1, 3000) AS i;
INSERT INTO shop.clicks SELECT * FROM shop.clicks LIMIT 10;
INSERT INTO shop."Rück""gaben" SELECT i, i / 10.0, 'zu groß' FROM generate_series(1, 300) AS i;
ANALYZE;
"""
