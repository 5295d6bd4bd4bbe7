-- How the tables that landing fills are laid out: one row, of the program that made them.
-- kind: ledger
select
    null::bigint as layout_version, -- raised whenever a table that landing fills gets other columns
    null::varchar as program_version, -- version of openrouter-token-growth that made the warehouse
    null::timestamp as made_at -- instant (UTC, business clock) at which it was made
where false
