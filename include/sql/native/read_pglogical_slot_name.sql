-- Tell what pglogical will call the slot of a subscription: it chooses the name by itself.
-- Runs on:    target, a database with pglogical; read only.
-- Needs:      EXECUTE on pglogical.pglogical_gen_slot_name.   Undo: not needed
-- Reads:      nothing
-- Source:     https://github.com/2ndQuadrant/pglogical/blob/REL2_x_STABLE/docs/README.md
SELECT pglogical.pglogical_gen_slot_name(current_database(), %(node)s, %(name)s)::text AS slot_name;
