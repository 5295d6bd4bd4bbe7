-- Every answer on the apps of a category or subcategory as it was received, one row an app.
-- kind: ledger
select
    null::date as date, -- UTC day that the tokens are of: the last complete one at retrieval
    null::varchar as part, -- a category, such as coding, or a subcategory, such as cli-agent
    null::varchar as category, -- the category, or the one that the subcategory is in
    null::varchar as page, -- which page of the list: 1 holds ranks 1 to 100, 2 holds ranks 101 to 200
    null::bigint as rank, -- published rank within the part
    null::bigint as app_id, -- OpenRouter's number of the app, which lasts
    null::varchar as app_name, -- display name at retrieval
    null::bigint as total_tokens, -- prompt and completion tokens, counted by each provider's own tokenizer
    null::bigint as total_requests, -- requests
    null::timestamp as as_of, -- instant (UTC) as of which the source states the figures
    null::timestamp as fetched_at, -- instant (UTC) at which the pipeline received them
    null::varchar as load_id, -- row of meta.loads, and of the archive's manifest
    null::varchar as source -- app-categories
where false
