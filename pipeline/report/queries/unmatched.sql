-- The largest models of the newest day that no catalogue knows, with the number and the share of all of these.
with newest as (
    select max(date) as date
    from marts.growth_total
)

select
    unmatched.model_permaslug,
    unmatched.date,
    unmatched.total_tokens,
    unmatched.share_pct,
    (count(*) over ())::integer as models,
    sum(unmatched.share_pct) over () as models_share_pct
from marts.rpt_unmatched_models as unmatched
inner join newest on unmatched.date = newest.date
order by unmatched.total_tokens desc, unmatched.model_permaslug asc
limit 10
