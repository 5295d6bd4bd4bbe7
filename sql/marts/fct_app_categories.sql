-- Which apps OpenRouter lists in each category and subcategory, as of each day of retrieval. Earlier days keep what
-- they said, so that a move from one to another shows; at most 200 apps of each are visible.
-- grain: date, part, app_id
-- check: total_tokens >= 0
select
    date, -- UTC day of retrieval
    part, -- a category, such as coding, or a subcategory, such as cli-agent
    category, -- the category, or the one that the subcategory is in
    is_subcategory, -- part is a subcategory
    app_id, -- OpenRouter's number of the app, which lasts
    app_name, -- display name at retrieval
    rank, -- published rank within the part
    usage_date, -- UTC day that the tokens are of: the last complete one at retrieval
    total_tokens, -- prompt and completion tokens of usage_date
    total_requests -- requests of usage_date
from staging.stg_app_categories
