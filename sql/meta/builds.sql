-- One row a build of the models, failed ones included.
-- kind: ledger
select
    null::varchar as build_id, -- random name of the build
    null::timestamp as built_at, -- instant (UTC, business clock) of the build
    null::boolean as is_successful, -- all models built and all checks passed
    null::varchar as inputs_sha256, -- digest of all loads and all SQL that went in
    null::varchar as program_version, -- version of openrouter-token-growth
    null::varchar as duckdb_version, -- version of DuckDB
    null::bigint as models, -- models built
    null::bigint as checks, -- checks made
    null::double as seconds, -- real time taken
    null::varchar as message -- what failed
where false
