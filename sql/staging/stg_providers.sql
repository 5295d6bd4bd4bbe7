-- The providers of the newest list of each day.
-- grain: date, slug
select
    snapshots.date,
    raw_rows.slug,
    raw_rows.name,
    raw_rows.headquarters,
    raw_rows.datacenters,
    raw_rows.privacy_policy_url,
    raw_rows.terms_of_service_url,
    raw_rows.status_page_url
from raw.providers as raw_rows
inner join staging.stg_snapshots as snapshots on raw_rows.load_id = snapshots.load_id
