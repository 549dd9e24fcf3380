-- Make the table of parameter values as they were before a migration changed them.
-- Runs on:    source, in the database of the migration; safe to re-run.
-- Needs:      schema pgcdc (create_control_schema.sql) and CREATE on it.        Undo: drop_parameter_before.sql
-- Creates:    table pgcdc.parameter_before
-- Source:     https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html
-- Why:        a parameter group has no history, and teardown gives back what was there. group_name is the group that was
--             attached then; value is NULL where the group left it to the engine; live is what SHOW printed. set_in and
--             set_to are what we set, and where: a value that is another one by now is somebody else's, and stays.
CREATE TABLE IF NOT EXISTS pgcdc.parameter_before (
    migration      text NOT NULL,
    name           text NOT NULL,
    group_name     text NOT NULL,
    cluster_group  boolean NOT NULL,
    value          text,
    source         text NOT NULL,
    live           text,
    apply_type     text NOT NULL,
    set_in         text NOT NULL,
    set_to         text NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (migration, name)
);
