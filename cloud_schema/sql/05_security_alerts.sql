-- Alerts.

-- Smoke, gas, water and the like: the contract's list has no kind for what must wake people.
ALTER TYPE alert_type ADD VALUE IF NOT EXISTS 'safety_alarm';

CREATE TABLE IF NOT EXISTS ts.alerts (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    time timestamptz NOT NULL DEFAULT now(),
    home_id uuid NOT NULL,
    alert_rule_id uuid,
    alert_type alert_type NOT NULL,
    severity alert_severity NOT NULL,
    priority text DEFAULT 'normal',
    title text NOT NULL,
    message text NOT NULL,
    source_device_id uuid,
    source_type text
        CHECK (source_type IN ('device', 'system', 'security', 'automation', 'prediction')),
    source_id uuid,
    context jsonb DEFAULT '{}',
    device_state jsonb,
    actionable boolean DEFAULT false,
    suggested_actions jsonb DEFAULT '[]',
    action_taken text,
    action_taken_at timestamptz,
    action_taken_by uuid,
    status text DEFAULT 'active'
        CHECK (status IN ('active', 'acknowledged', 'resolved', 'dismissed')),
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    resolved_at timestamptz,
    resolved_by uuid,
    dismissed_at timestamptz,
    dismissed_by uuid,
    notification_sent boolean DEFAULT false,
    notification_channels_used text[],
    notification_sent_at timestamptz,
    notification_failed boolean DEFAULT false,
    notification_error text,
    expires_at timestamptz,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, time)
);
CREATE INDEX IF NOT EXISTS idx_alerts_home ON ts.alerts (home_id, time DESC);
SELECT ts.make_hypertable('ts.alerts', 'time', ARRAY['home_id', 'alert_type', 'severity'], 'time DESC, id', '90 days', '2 years');
CREATE INDEX IF NOT EXISTS idx_alerts_device ON ts.alerts (source_device_id) WHERE source_device_id IS NOT NULL;
