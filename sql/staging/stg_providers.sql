-- The providers of the newest list of each day.
-- grain: date, slug
select
    snapshots.date, -- UTC day of retrieval
    raw_rows.slug, -- OpenRouter's key of the provider
    raw_rows.name, -- display name
    raw_rows.headquarters, -- country (ISO 3166, two letters); null where it is not stated
    raw_rows.datacenters, -- countries, sorted, separated by commas; empty for an empty list, null for none
    raw_rows.privacy_policy_url, -- address of the privacy policy
    raw_rows.terms_of_service_url, -- address of the terms
    raw_rows.status_page_url, -- address of the status page
    raw_rows.load_id -- row of meta.loads
from raw.providers as raw_rows
inner join staging.stg_snapshots as snapshots on raw_rows.load_id = snapshots.load_id
