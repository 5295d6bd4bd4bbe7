-- Prices of each model and variant on each day: the list price of exactly that variant in the day's newest catalogue,
-- and the range of what the providers asked. A variant never has the price of its base.
-- grain: date, model_permaslug
-- check: prompt_usd_per_token >= 0 and completion_usd_per_token >= 0
with listed as (
    select *
    from staging.stg_models
    qualify dense_rank() over (partition by date order by fetched_at desc, load_id desc) = 1
),

asked as (
    select
        date,
        series as id
    from staging.stg_snapshots
    where source = 'endpoints'
),

served as (
    select
        date,
        model_permaslug,
        count(*) as endpoints,
        min(prompt_usd_per_token) as lowest_prompt_usd_per_token,
        median(prompt_usd_per_token) as median_prompt_usd_per_token,
        max(prompt_usd_per_token) as highest_prompt_usd_per_token,
        min(completion_usd_per_token) as lowest_completion_usd_per_token,
        median(completion_usd_per_token) as median_completion_usd_per_token,
        max(completion_usd_per_token) as highest_completion_usd_per_token
    from staging.stg_endpoints
    group by date, model_permaslug
)

select
    coalesce(listed.date, served.date) as date,
    coalesce(listed.model_permaslug, served.model_permaslug) as model_permaslug, -- slug of the rankings
    listed.model_permaslug is not null as is_listed, -- the day's catalogue has it
    listed.prompt_usd_per_token, -- list price of a prompt token; null for routers, and without a catalogue row
    listed.completion_usd_per_token, -- list price of a completion token; null for routers, and without a catalogue row
    listed.input_cache_read_usd_per_token, -- list price of a prompt token from the cache; null where none is named
    coalesce(served.endpoints, if(asked.id is null, null, 0))::integer
        as endpoints, -- endpoints in the day's snapshot; 0 where nobody served it, null where they were not asked
    served.lowest_prompt_usd_per_token, -- lowest price of a prompt token at a provider
    served.median_prompt_usd_per_token, -- median of the providers' prices of a prompt token
    served.highest_prompt_usd_per_token, -- highest price of a prompt token at a provider
    served.lowest_completion_usd_per_token, -- lowest price of a completion token at a provider
    served.median_completion_usd_per_token, -- median of the providers' prices of a completion token
    served.highest_completion_usd_per_token -- highest price of a completion token at a provider
from listed
full outer join served
    on listed.date = served.date and listed.model_permaslug = served.model_permaslug
left join asked
    on listed.date = asked.date and listed.id = asked.id
