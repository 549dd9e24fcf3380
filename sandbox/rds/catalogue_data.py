"""The parameters of RDS and Aurora PostgreSQL.

name | type | data type | allowed | RDS default | Aurora default | Aurora level | local default

``-`` as a default: unset, the engine's own counts. ``absent``: that engine has no such parameter. Level: where Aurora
has it (``cluster`` only, or ``both`` groups). The last column replaces a default that is too large for a laptop; a value
that somebody sets is used as it is.
Source: RDS and Aurora user guides, parameter reference; postgres --describe-config for the contexts.
"""

from __future__ import annotations

# One parameter per line, however long.
# ruff: noqa: E501

LIBRARIES = (
    "auto_explain", "orafce", "pgaudit", "pglogical", "pg_bigm", "pg_cron", "pg_hint_plan", "pg_prewarm",
    "pg_similarity", "pg_stat_statements", "pg_tle", "pg_transport", "plprofiler", "plrust",
)  # fmt: skip

LOCKED = """
archive_command archive_mode archive_timeout block_size config_file data_checksums data_directory debug_assertions
fsync full_page_writes hba_file hot_standby ident_file in_hot_standby integer_datetimes listen_addresses
logging_collector max_function_args max_identifier_length max_index_keys port primary_conninfo primary_slot_name
segment_size server_encoding server_version server_version_num shared_memory_type ssl ssl_ca_file ssl_cert_file
ssl_key_file unix_socket_directories unix_socket_group unix_socket_permissions wal_block_size wal_level
wal_log_hints wal_segment_size wal_sync_method zero_damaged_pages
"""
"""Shown, and not modifiable."""

PARAMETERS = """
rds.logical_replication | static | boolean | 0,1 | 0 | 0 | cluster
shared_preload_libraries | static | list | {libraries} | pg_stat_statements | pg_stat_statements | both
max_replication_slots | static | integer | 0-262143 | 20 | 20 | cluster
max_wal_senders | static | integer | 0-262143 | 20 | 10 | cluster
max_logical_replication_workers | static | integer | 0-262143 | - | - | cluster
max_sync_workers_per_subscription | dynamic | integer | 0-262143 | - | - | cluster
track_commit_timestamp | static | boolean | 0,1 | - | - | cluster
autovacuum_max_workers | static | integer | 1-262143 | GREATEST({DBInstanceClassMemory/64371566592},3) | GREATEST({DBInstanceClassMemory/64371566592},3) | cluster
max_worker_processes | static | integer | 0-262143 | GREATEST($DBInstanceVCPU*2,8) | GREATEST($DBInstanceVCPU*2,8) | both
max_connections | static | integer | 6-262143 | LEAST({DBInstanceClassMemory/9531392},5000) | LEAST({DBInstanceClassMemory/9531392},5000) | both | 150
wal_sender_timeout | dynamic | integer | 0-3600000 | 30000 | 30000 | cluster
wal_receiver_timeout | dynamic | integer | 0-3600000 | 30000 | 30000 | cluster
wal_receiver_status_interval | dynamic | integer | 0-2147483 | - | - | cluster
synchronous_commit | dynamic | string | local,on,remote_write,remote_apply,off | on | on | cluster
max_slot_wal_keep_size | dynamic | integer | -1-2147483647 | - | - | both
max_parallel_workers | dynamic | integer | 0-1024 | GREATEST($DBInstanceVCPU/2,8) | GREATEST($DBInstanceVCPU/2,8) | both
max_parallel_workers_per_gather | dynamic | integer | 0-1024 | - | - | both
max_parallel_maintenance_workers | dynamic | integer | 0-1024 | - | - | both
logical_decoding_work_mem | dynamic | integer | 64-2147483647 | - | - | both
session_replication_role | dynamic | string | origin,replica,local | - | - | both
idle_in_transaction_session_timeout | dynamic | integer | 0-2147483647 | 86400000 | 86400000 | both
idle_session_timeout | dynamic | integer | 0-2147483647 | - | - | both
statement_timeout | dynamic | integer | 0-2147483647 | - | - | both
lock_timeout | dynamic | integer | 0-2147483647 | - | - | both
deadlock_timeout | dynamic | integer | 1-2147483647 | - | - | both
hot_standby_feedback | dynamic | boolean | 0,1 | - | 1 | both
max_standby_streaming_delay | dynamic | integer | -1-2147483647 | 30000 | 14000 | both
max_standby_archive_delay | dynamic | integer | -1-2147483647 | 30000 | - | both
rds.logical_wal_cache | static | integer | -1-2048 | absent | -1 | cluster
rds.force_ssl | dynamic | boolean | 0,1 | 1 | 0 | cluster
rds.force_admin_logging_level | dynamic | string | disabled,debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic | - | - | cluster
rds.log_retention_period | dynamic | integer | 1440-10080 | 4320 | 4320 | cluster
rds.restrict_password_commands | static | boolean | 0,1 | 0 | 0 | cluster
rds.accepted_password_auth_method | dynamic | string | md5+scram,scram | md5+scram | md5+scram | cluster
rds.adaptive_autovacuum | dynamic | boolean | 0,1 | 1 | 1 | cluster
rds.babelfish_status | static | string | on,off,datatypesonly | absent | off | cluster
rds.rds_superuser_reserved_connections | static | integer | 0-8388607 | 2 | 2 | cluster
rds.allowed_extensions | dynamic | string | | - | - | cluster
sync_replication_slots | dynamic | boolean | 0,1 | - | - | cluster
max_prepared_transactions | static | integer | 0-262143 | 0 | 0 | cluster
max_locks_per_transaction | static | integer | 10-2147483647 | 64 | 64 | cluster
max_pred_locks_per_transaction | static | integer | 10-2147483647 | - | - | cluster
max_files_per_process | static | integer | 64-2147483647 | - | - | both
shared_buffers | static | integer | 16-1073741823 | {DBInstanceClassMemory/32768} | SUM({DBInstanceClassMemory/12038},-50003) | both | 8192
effective_cache_size | dynamic | integer | 1-2147483647 | {DBInstanceClassMemory/16384} | SUM({DBInstanceClassMemory/12038},-50003) | both | 65536
work_mem | dynamic | integer | 64-2147483647 | - | - | both
hash_mem_multiplier | dynamic | float | 1-1000 | - | - | both
maintenance_work_mem | dynamic | integer | 1024-2147483647 | GREATEST({DBInstanceClassMemory*1024/63963136},65536) | GREATEST({DBInstanceClassMemory*1024/63963136},65536) | both | 65536
autovacuum_work_mem | dynamic | integer | -1-2147483647 | - | GREATEST({DBInstanceClassMemory/32768},65536) | cluster | 65536
temp_buffers | dynamic | integer | 100-1073741823 | - | - | both
wal_buffers | static | integer | -1-262143 | - | - | cluster
min_wal_size | dynamic | integer | 128-201326592 | 192 | absent | cluster
wal_keep_size | dynamic | integer | 0-2147483647 | 2048 | - | cluster | 64
wal_compression | dynamic | boolean | 0,1 | 1 | absent | cluster
checkpoint_timeout | dynamic | integer | 30-86400 | 300 | 60 | cluster
checkpoint_completion_target | dynamic | float | 0-1 | 0.9 | absent | cluster
random_page_cost | dynamic | float | 0-179769313486231570000 | - | - | both
seq_page_cost | dynamic | float | 0-179769313486231570000 | - | - | both
cpu_tuple_cost | dynamic | float | 0-179769313486231570000 | - | - | both
default_statistics_target | dynamic | integer | 1-10000 | - | - | both
autovacuum | dynamic | boolean | 0,1 | - | 1 | cluster
autovacuum_naptime | dynamic | integer | 1-2147483 | 15 | 5 | cluster
autovacuum_analyze_scale_factor | dynamic | float | 0-100 | 0.05 | 0.05 | cluster
autovacuum_vacuum_scale_factor | dynamic | float | 0-100 | 0.1 | 0.1 | cluster
autovacuum_vacuum_threshold | dynamic | integer | 0-2147483647 | - | - | cluster
autovacuum_vacuum_cost_delay | dynamic | integer | -1-100 | - | - | cluster
autovacuum_vacuum_cost_limit | dynamic | integer | -1-10000 | GREATEST({log(DBInstanceClassMemory/21474836480)*600},200) | GREATEST({log(DBInstanceClassMemory/21474836480)*600},200) | cluster
autovacuum_freeze_max_age | static | integer | 100000-2000000000 | - | - | cluster
vacuum_cost_limit | dynamic | integer | 1-10000 | - | - | both
vacuum_cost_delay | dynamic | float | 0-100 | - | - | both
vacuum_freeze_min_age | dynamic | integer | 0-1000000000 | - | - | both
log_min_duration_statement | dynamic | integer | -1-2147483647 | - | - | both
log_statement | dynamic | string | none,ddl,mod,all | - | - | both
log_connections | dynamic | boolean | 0,1 | - | - | both
log_disconnections | dynamic | boolean | 0,1 | - | - | both
log_checkpoints | dynamic | boolean | 0,1 | 1 | - | both
log_lock_waits | dynamic | boolean | 0,1 | - | - | both
log_temp_files | dynamic | integer | -1-2147483647 | - | - | both
log_autovacuum_min_duration | dynamic | integer | -1-2147483647 | 10000 | 10000 | both
log_replication_commands | dynamic | boolean | 0,1 | - | - | both
log_error_verbosity | dynamic | string | terse,default,verbose | - | - | both
log_min_messages | dynamic | string | debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic | - | - | both
track_io_timing | dynamic | boolean | 0,1 | 1 | 1 | both
track_activity_query_size | static | integer | 100-1048576 | 4096 | 4096 | both
track_functions | dynamic | string | none,pl,all | - | - | both
pg_stat_statements.track | dynamic | string | none,top,all | - | - | both
pg_stat_statements.max | static | integer | 100-2147483647 | - | - | both
password_encryption | dynamic | string | md5,scram-sha-256 | scram-sha-256 | scram-sha-256 | both
tcp_keepalives_idle | dynamic | integer | 0-2147483647 | 300 | 300 | both
tcp_keepalives_interval | dynamic | integer | 0-2147483647 | 30 | 30 | both
tcp_keepalives_count | dynamic | integer | 0-2147483647 | 2 | 2 | both
row_security | dynamic | boolean | 0,1 | - | - | both
search_path | dynamic | string | | - | - | both
default_transaction_isolation | dynamic | string | serializable,repeatable read,read committed,read uncommitted | - | - | both
default_transaction_read_only | dynamic | boolean | 0,1 | - | - | both
timezone | dynamic | string | UTC,Europe/Dublin,Europe/Berlin,Europe/London,America/New_York,Asia/Tokyo | UTC | UTC | cluster
jit | dynamic | boolean | 0,1 | - | - | both
cron.database_name | static | string | | postgres | postgres | cluster
"""
