-- Every provider that any list named, as the newest list with it describes it.
-- grain: provider_slug
-- check: first_seen_date <= last_seen_date
with newest as (
    select max(date) as date
    from staging.stg_providers
),

seen as (
    select
        slug,
        min(date) as first_seen_date,
        max(date) as last_seen_date
    from staging.stg_providers
    group by slug
)

select
    seen.slug as provider_slug, -- OpenRouter's key of the provider
    providers.name,
    providers.headquarters,
    providers.datacenters, -- countries with datacenters, separated by commas; null where they are not stated
    if(providers.datacenters = '', 0, len(string_split(providers.datacenters, ',')))::integer
        as datacenter_countries, -- number of these countries; 0 where the list is empty, null where there is none
    providers.privacy_policy_url,
    providers.terms_of_service_url,
    providers.status_page_url,
    seen.first_seen_date, -- UTC day of the first list with it
    seen.last_seen_date, -- UTC day of the last list with it
    seen.last_seen_date = newest.date as is_listed -- the newest list has it
from seen
cross join newest
inner join staging.stg_providers as providers
    on seen.slug = providers.slug and seen.last_seen_date = providers.date
