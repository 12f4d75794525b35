-- Search columns and the indexes that many queries share.

ALTER TABLE brands ADD COLUMN IF NOT EXISTS search_vector tsvector;
ALTER TABLE device_models ADD COLUMN IF NOT EXISTS search_vector tsvector;
ALTER TABLE devices ADD COLUMN IF NOT EXISTS search_vector tsvector;

CREATE INDEX IF NOT EXISTS idx_brands_search ON brands USING gin (search_vector);
CREATE INDEX IF NOT EXISTS idx_device_models_search ON device_models USING gin (search_vector);
CREATE INDEX IF NOT EXISTS idx_devices_search ON devices USING gin (search_vector);
CREATE INDEX IF NOT EXISTS idx_devices_deleted_at ON devices (deleted_at) WHERE deleted_at IS NOT NULL;
