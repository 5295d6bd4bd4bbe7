-- Which apps OpenRouter lists in each category and subcategory, as of each day of retrieval. Earlier days keep what
-- they said, so that a move from one to another shows; at most 200 apps of each are visible.
-- grain: date, part, app_id
-- check: total_tokens >= 0
select
    date,
    part,
    category,
    is_subcategory,
    app_id,
    app_name,
    rank,
    usage_date,
    total_tokens,
    total_requests
from staging.stg_app_categories
