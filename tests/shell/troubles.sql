-- Make a database with every trouble that preflight knows of in tables, each once: the table's name is the finding's code.
-- Runs on:  a source, in an empty schema shop. Needs: a superuser.

set search_path = shop;

create table table_without_key (id integer, at date not null);
create unique index ready on table_without_key (at);
create table identity_not_the_key (id integer primary key);
alter table identity_not_the_key replica identity nothing;
create table identity_full_under_pglogical (id integer primary key);
alter table identity_full_under_pglogical replica identity full;
create table deferrable_key (id integer primary key deferrable);
create unlogged table unlogged_table (id integer primary key);

create table lob_column (id integer primary key, note text);
create table lob_in_key (doc varchar(5)[] primary key);
create table array_without_key (id integer not null, tags integer[]);
alter table array_without_key replica identity full;
create table lob_without_key (id integer, note text);
alter table lob_without_key replica identity full;

create type mood as enum ('sad', 'ok', 'happy');
create domain amount as numeric;
create domain nested as amount;
create table numeric_without_precision (id integer primary key, n nested);
create table numeric_too_precise (id integer primary key, n numeric(50, 2));
create table type_changed (id integer primary key, m mood, i inet, r int4range);
create table type_unknown_to_dms (id integer primary key, l pg_lsn);
create table time_zone_lost (id integer primary key, t time with time zone);
create table varchar_without_length (id integer primary key, v varchar);
create table large_object (id integer primary key, o oid);
create extension if not exists hstore;

create table row_level_security (id integer primary key);
alter table row_level_security enable row level security;
create policy few on row_level_security using (id > 3);
create table row_security_seen_through (id integer primary key);
alter table row_security_seen_through enable row level security;
create policy everything on row_security_seen_through for select using (true);
create table sequence_to_sync (id integer generated always as identity primary key);
create sequence lone;
create table deferrable_foreign_key (id integer primary key references sequence_to_sync deferrable);
create table deferrable_constraint (id integer primary key, n integer unique deferrable);
create table unique_expression_index (id integer primary key, a integer);
create unique index on unique_expression_index ((coalesce(a, 0)));
create function nothing() returns trigger language plpgsql as 'begin return null; end';
create table trigger_not_copied (id integer primary key);
create trigger noisy after insert on trigger_not_copied execute function nothing();
create table generated_column (id integer primary key, twice integer generated always as (id * 2) stored);
create table names_differ_by_case (id integer primary key, x date, "X" date);
create table "Names_Differ_By_Case" (id integer primary key);
create table inheritance_twice (id integer primary key);
create table heir (primary key (id)) inherits (inheritance_twice);
create view view_with_changes as select 1 as one;
create materialized view relation_not_copied as select 1 as one;
create foreign data wrapper nowhere;
create server nowhere foreign data wrapper nowhere;
create foreign table relation_not_copied_either (id integer) server nowhere;
create table partitions_twice (id integer primary key) partition by range (id);
create table leaf partition of partitions_twice for values from (1) to (2);

create table plain (
  id bigint primary key, a smallint, b real, c double precision, d boolean, e date, f time, g timestamp, h timestamptz,
  i uuid, j varchar(10), k char(3), l numeric(38, 4)
);

reset search_path;
