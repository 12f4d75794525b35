-- Alerts.

-- Smoke, gas, water and the like: the contract's list has no kind for what must wake people.
ALTER TYPE alert_type ADD VALUE IF NOT EXISTS 'safety_alarm';
-- What a rule of the home has to say (`notify`): nothing is wrong, and no other kind fits.
ALTER TYPE alert_type ADD VALUE IF NOT EXISTS 'notice';

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
SELECT ts.make_hypertable('ts.alerts', 'time', ARRAY['home_id', 'alert_type', 'severity'], 'time DESC, id', '90 days', '2 years');

CREATE TABLE IF NOT EXISTS alert_rules (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    created_by uuid REFERENCES users (id),
    rule_name text NOT NULL,
    rule_type text NOT NULL
        CHECK (rule_type IN ('device_state', 'threshold', 'anomaly', 'security', 'predictive')),
    description text,
    conditions jsonb NOT NULL,
    threshold_config jsonb,
    target_type text
        CHECK (target_type IN ('device', 'home', 'room', 'group')),
    target_id uuid,
    severity alert_severity DEFAULT 'warning',
    priority text DEFAULT 'normal'
        CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    notification_channels text[] DEFAULT '{push}'
        CHECK (notification_channels <@ ARRAY['push', 'email', 'sms', 'webhook']),
    cooldown_minutes integer DEFAULT 15,
    max_alerts_per_day integer,
    quiet_hours_start time,
    quiet_hours_end time,
    is_enabled boolean DEFAULT true,
    alert_count integer DEFAULT 0,
    last_triggered_at timestamptz,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS network_access_rules (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    rule_name text NOT NULL,
    rule_type text NOT NULL
        CHECK (rule_type IN ('allow', 'deny', 'alert')),
    priority integer DEFAULT 100,
    source_ip inet,
    source_ip_range cidr,
    source_country text[],
    source_mac macaddr[],
    destination_device_id uuid REFERENCES devices (id) ON DELETE CASCADE,
    destination_port integer[],
    protocol text[],
    time_restrictions jsonb,
    is_enabled boolean DEFAULT true,
    hit_count integer DEFAULT 0,
    last_hit_at timestamptz,
    created_by uuid REFERENCES users (id),
    description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS notification_templates (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    template_name text NOT NULL,
    notification_type text NOT NULL,
    channel text NOT NULL
        CHECK (channel IN ('push', 'email', 'sms', 'webhook')),
    subject_template text,
    body_template text,
    html_body_template text,
    language text DEFAULT 'en',
    variables jsonb DEFAULT '[]',
    is_active boolean DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (template_name)
);

CREATE TABLE IF NOT EXISTS ts.security_incidents (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    time timestamptz NOT NULL DEFAULT now(),
    home_id uuid NOT NULL,
    device_id uuid,
    incident_type text NOT NULL
        CHECK (incident_type IN ('unauthorized_access', 'brute_force', 'malware', 'ddos', 'suspicious_activity', 'data_breach')),
    severity alert_severity NOT NULL,
    confidence_score numeric(5,4),
    title text NOT NULL,
    description text NOT NULL,
    attack_source_ip inet,
    attack_source_country text,
    attack_vector text,
    attack_method text,
    detection_method text
        CHECK (detection_method IN ('ids', 'behavior_analysis', 'signature', 'anomaly_detection')),
    detection_source text
        CHECK (detection_source IN ('nexa', 'router', 'firewall', 'device')),
    devices_affected uuid[],
    data_accessed boolean DEFAULT false,
    data_modified boolean DEFAULT false,
    data_exfiltrated boolean DEFAULT false,
    service_disrupted boolean DEFAULT false,
    status text DEFAULT 'detected'
        CHECK (status IN ('detected', 'investigating', 'contained', 'resolved', 'false_positive')),
    auto_response_taken boolean DEFAULT false,
    response_actions jsonb DEFAULT '[]',
    detected_at timestamptz NOT NULL,
    contained_at timestamptz,
    resolved_at timestamptz,
    investigated_by uuid,
    investigation_notes text,
    root_cause text,
    evidence jsonb DEFAULT '[]',
    logs jsonb DEFAULT '[]',
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, time)
);
SELECT ts.make_hypertable('ts.security_incidents', 'time', ARRAY['home_id', 'incident_type'], 'time DESC, id', '90 days', '3 years');

CREATE TABLE IF NOT EXISTS security_scans (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    triggered_by uuid REFERENCES users (id),
    scan_type text NOT NULL
        CHECK (scan_type IN ('full', 'quick', 'targeted', 'scheduled')),
    scan_scope text NOT NULL
        CHECK (scan_scope IN ('all_devices', 'network', 'specific_devices')),
    target_devices uuid[],
    status text NOT NULL
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    duration_seconds integer,
    devices_scanned integer DEFAULT 0,
    vulnerabilities_found integer DEFAULT 0,
    critical_issues integer DEFAULT 0,
    high_issues integer DEFAULT 0,
    medium_issues integer DEFAULT 0,
    low_issues integer DEFAULT 0,
    info_issues integer DEFAULT 0,
    overall_risk_score integer CHECK (overall_risk_score BETWEEN 0 AND 100),
    security_grade text
        CHECK (security_grade IN ('A+', 'A', 'B', 'C', 'D', 'F')),
    unauthorized_access_check boolean DEFAULT true,
    weak_password_check boolean DEFAULT true,
    open_ports_check boolean DEFAULT true,
    firmware_check boolean DEFAULT true,
    network_intrusion_check boolean DEFAULT true,
    device_exposure_check boolean DEFAULT true,
    findings jsonb DEFAULT '[]',
    recommendations jsonb DEFAULT '[]',
    error_message text,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS security_vulnerabilities (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    security_scan_id uuid REFERENCES security_scans (id) ON DELETE CASCADE,
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    device_id uuid REFERENCES devices (id) ON DELETE CASCADE,
    vulnerability_type text NOT NULL,
    severity alert_severity NOT NULL,
    cvss_score numeric(3,1) CHECK (cvss_score BETWEEN 0 AND 10),
    title text NOT NULL,
    description text NOT NULL,
    cve_id text,
    affected_component text,
    attack_vector text
        CHECK (attack_vector IN ('network', 'adjacent', 'local', 'physical')),
    complexity text
        CHECK (complexity IN ('low', 'high')),
    confidentiality_impact text
        CHECK (confidentiality_impact IN ('none', 'low', 'high')),
    integrity_impact text,
    availability_impact text,
    publicly_accessible boolean DEFAULT false,
    exploitable boolean DEFAULT false,
    known_exploits_exist boolean DEFAULT false,
    remediation_steps text,
    remediation_complexity text
        CHECK (remediation_complexity IN ('easy', 'moderate', 'complex')),
    estimated_fix_time_minutes integer,
    requires_user_action boolean DEFAULT true,
    can_auto_fix boolean DEFAULT false,
    patch_available boolean DEFAULT false,
    patch_version text,
    patch_url text,
    status text DEFAULT 'open'
        CHECK (status IN ('open', 'acknowledged', 'in_progress', 'resolved', 'false_positive', 'risk_accepted')),
    detected_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    resolved_by uuid REFERENCES users (id),
    resolution_notes text,
    is_recurring boolean DEFAULT false,
    first_detected_at timestamptz,
    recurrence_count integer DEFAULT 1,
    external_references text[],
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS user_notification_preferences (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    home_id uuid REFERENCES homes (id) ON DELETE CASCADE,
    push_enabled boolean DEFAULT true,
    email_enabled boolean DEFAULT true,
    sms_enabled boolean DEFAULT false,
    device_alerts_enabled boolean DEFAULT true,
    security_alerts_enabled boolean DEFAULT true,
    energy_alerts_enabled boolean DEFAULT true,
    automation_alerts_enabled boolean DEFAULT true,
    predictive_alerts_enabled boolean DEFAULT true,
    system_alerts_enabled boolean DEFAULT true,
    marketing_enabled boolean DEFAULT false,
    digest_enabled boolean DEFAULT false,
    digest_frequency text DEFAULT 'daily'
        CHECK (digest_frequency IN ('daily', 'weekly')),
    digest_time time DEFAULT '09:00',
    quiet_hours_enabled boolean DEFAULT false,
    quiet_hours_start time DEFAULT '22:00',
    quiet_hours_end time DEFAULT '07:00',
    critical_override_quiet_hours boolean DEFAULT true,
    min_push_severity alert_severity DEFAULT 'warning',
    min_email_severity alert_severity DEFAULT 'info',
    min_sms_severity alert_severity DEFAULT 'critical',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (user_id, home_id)
);

CREATE TABLE IF NOT EXISTS ts.user_notifications (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    time timestamptz NOT NULL DEFAULT now(),
    user_id uuid NOT NULL,
    home_id uuid,
    notification_type text NOT NULL,
    channel text NOT NULL
        CHECK (channel IN ('push', 'email', 'sms', 'webhook', 'in_app')),
    template_id uuid,
    subject text,
    body text NOT NULL,
    related_alert_id uuid,
    related_device_id uuid,
    related_entity_type text,
    related_entity_id uuid,
    status text DEFAULT 'pending'
        CHECK (status IN ('pending', 'sent', 'delivered', 'failed', 'read')),
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    failed_at timestamptz,
    error_message text,
    retry_count integer DEFAULT 0,
    push_token text,
    email_message_id text,
    sms_message_id text,
    webhook_url text,
    webhook_response text,
    clicked boolean DEFAULT false,
    clicked_at timestamptz,
    action_taken text,
    priority text DEFAULT 'normal',
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, time)
);
SELECT ts.make_hypertable('ts.user_notifications', 'time', ARRAY['user_id', 'channel'], 'time DESC, id', '30 days', '1 year');

-- Who changed what; written by triggers only.
CREATE TABLE IF NOT EXISTS ts.audit_logs (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    time timestamptz NOT NULL DEFAULT now(),
    user_id uuid,
    action text NOT NULL
        CHECK (action IN ('INSERT', 'UPDATE', 'DELETE')),
    table_name text NOT NULL,
    record_id uuid,
    old_values jsonb,
    new_values jsonb,
    changed_fields text[],
    ip_address inet,
    user_agent text,
    metadata jsonb DEFAULT '{}',
    PRIMARY KEY (id, time)
);
SELECT ts.make_hypertable('ts.audit_logs', 'time', ARRAY['table_name'], 'time DESC, id', '90 days', '7 years');
