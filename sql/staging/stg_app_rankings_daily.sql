-- The current pages of each day's app rankings, put together. Where the list moved between two pages and both hold an
-- app, the later answer counts.
-- grain: date, app_id
-- check: total_tokens >= 0
select
    pages.date,
    raw_rows.app_id,
    raw_rows.app_name,
    raw_rows.rank, -- published rank
    raw_rows.total_tokens, -- prompt and completion tokens
    raw_rows.total_requests,
    raw_rows.as_of, -- instant (UTC) as of which the source states them
    pages.is_provisional
from raw.app_rankings_daily as raw_rows
inner join staging.stg_app_pages as pages
    on raw_rows.load_id = pages.load_id and raw_rows.page = pages.page
qualify
    row_number() over (
        partition by pages.date, raw_rows.app_id
        order by pages.is_fetched desc, pages.as_of desc, pages.fetched_at desc, pages.page asc
    ) = 1
