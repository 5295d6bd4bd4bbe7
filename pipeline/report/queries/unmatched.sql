-- The largest models of the newest day that no catalogue knows.
select
    model_permaslug,
    date,
    total_tokens,
    share_pct
from marts.rpt_unmatched_models
qualify date = max(date) over ()
order by total_tokens desc, model_permaslug asc
limit 10
