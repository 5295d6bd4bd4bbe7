-- One row a check and build.
-- kind: ledger
select
    null::varchar as build_id, -- row of meta.builds
    null::varchar as model, -- what was checked
    null::varchar as check_name, -- grain, a predicate that holds on every row, or a file under sql/checks
    null::boolean as is_passed, -- no row offends
    null::bigint as offending_rows -- rows that do not hold
where false
