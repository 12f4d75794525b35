-- Automations, scenes, self-healing, and the state of sync with each ecosystem.

CREATE TABLE IF NOT EXISTS automations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    created_by uuid REFERENCES users (id),
    name text NOT NULL,
    description text,
    icon text,
    color text,
    automation_type text NOT NULL
        CHECK (automation_type IN ('scheduled', 'trigger_based', 'condition_based', 'ai_suggested')),
    source text DEFAULT 'user'
        CHECK (source IN ('user', 'system', 'ai', 'ecosystem')),
    triggers jsonb NOT NULL DEFAULT '[]',
    conditions jsonb DEFAULT '[]',
    actions jsonb NOT NULL DEFAULT '[]',
    execution_mode text DEFAULT 'sequential'
        CHECK (execution_mode IN ('sequential', 'parallel')),
    delay_between_actions_ms integer DEFAULT 0,
    retry_on_failure boolean DEFAULT false,
    max_retries integer DEFAULT 3,
    schedule_type text
        CHECK (schedule_type IN ('once', 'daily', 'weekly', 'custom', 'cron')),
    schedule_config jsonb,
    timezone text DEFAULT 'UTC',
    is_enabled boolean DEFAULT true,
    is_paused boolean DEFAULT false,
    pause_until timestamptz,
    health_status text DEFAULT 'healthy'
        CHECK (health_status IN ('healthy', 'degraded', 'failing', 'broken')),
    last_health_check_at timestamptz,
    failure_count integer DEFAULT 0,
    success_count integer DEFAULT 0,
    last_executed_at timestamptz,
    last_execution_status text
        CHECK (last_execution_status IN ('success', 'failed', 'partial')),
    last_execution_duration_ms integer,
    total_executions integer DEFAULT 0,
    ai_optimized boolean DEFAULT false,
    learning_enabled boolean DEFAULT false,
    context_aware boolean DEFAULT false,
    tags text[] DEFAULT '{}',
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS scenes (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    room_id uuid REFERENCES rooms (id) ON DELETE SET NULL,
    created_by uuid REFERENCES users (id),
    name text NOT NULL,
    description text,
    icon text,
    color text,
    scene_type text DEFAULT 'custom'
        CHECK (scene_type IN ('custom', 'preset', 'time_based', 'ai_suggested')),
    category text,
    device_states jsonb NOT NULL DEFAULT '[]',
    transition_duration_ms integer DEFAULT 0,
    is_favorite boolean DEFAULT false,
    activation_count integer DEFAULT 0,
    last_activated_at timestamptz,
    is_active boolean DEFAULT true,
    is_synced boolean DEFAULT true,
    sync_status jsonb DEFAULT '{}',
    adaptive_brightness boolean DEFAULT false,
    context_aware boolean DEFAULT false,
    tags text[] DEFAULT '{}',
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE TABLE IF NOT EXISTS self_healing_actions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    action_type text NOT NULL
        CHECK (action_type IN ('reboot', 'repair', 'reconfigure', 'reset', 'optimize')),
    description text,
    category text
        CHECK (category IN ('connectivity', 'firmware', 'automation', 'performance')),
    applicable_device_types device_type[],
    applicable_protocols protocol_type[],
    applicable_brands uuid[],
    action_config jsonb DEFAULT '{}',
    parameters_schema jsonb,
    requires_user_approval boolean DEFAULT false,
    max_retry_attempts integer DEFAULT 3,
    cooldown_period_minutes integer DEFAULT 60,
    risk_level text DEFAULT 'low'
        CHECK (risk_level IN ('low', 'medium', 'high')),
    average_success_rate numeric(5,4),
    total_executions integer DEFAULT 0,
    total_successes integer DEFAULT 0,
    documentation_url text,
    is_active boolean DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (name)
);

CREATE TABLE IF NOT EXISTS ecosystem_sync_status (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    home_id uuid NOT NULL REFERENCES homes (id) ON DELETE CASCADE,
    ecosystem_id uuid NOT NULL REFERENCES ecosystems (id) ON DELETE CASCADE,
    entity_type text NOT NULL
        CHECK (entity_type IN ('automation', 'scene', 'device_group', 'device')),
    entity_id uuid NOT NULL,
    sync_status text NOT NULL
        CHECK (sync_status IN ('synced', 'pending', 'failed', 'conflict', 'unsupported')),
    last_synced_at timestamptz,
    last_sync_attempt_at timestamptz,
    external_entity_id text,
    external_url text,
    sync_direction text
        CHECK (sync_direction IN ('nexa_to_ecosystem', 'ecosystem_to_nexa', 'bidirectional')),
    conflict_resolution text
        CHECK (conflict_resolution IN ('nexa_wins', 'ecosystem_wins', 'manual')),
    error_message text,
    retry_count integer DEFAULT 0,
    max_retries integer DEFAULT 5,
    local_version integer DEFAULT 1,
    remote_version integer,
    last_modified_locally_at timestamptz,
    last_modified_remotely_at timestamptz,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id),
    UNIQUE (home_id, ecosystem_id, entity_type, entity_id)
);

CREATE TABLE IF NOT EXISTS ts.automation_executions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    time timestamptz NOT NULL DEFAULT now(),
    automation_id uuid NOT NULL,
    home_id uuid NOT NULL,
    triggered_by text
        CHECK (triggered_by IN ('schedule', 'device_event', 'manual', 'ecosystem')),
    trigger_data jsonb,
    status text NOT NULL
        CHECK (status IN ('success', 'failed', 'partial', 'cancelled', 'timeout')),
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    duration_ms integer,
    actions_total integer,
    actions_succeeded integer,
    actions_failed integer,
    action_results jsonb DEFAULT '[]',
    error_message text,
    error_details jsonb,
    retry_attempt integer DEFAULT 0,
    device_states_before jsonb,
    device_states_after jsonb,
    environment_context jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, time)
);
SELECT ts.make_hypertable('ts.automation_executions', 'time', ARRAY['automation_id', 'status'], 'time DESC, id', '30 days', '1 year');

CREATE TABLE IF NOT EXISTS ts.automation_health_checks (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    time timestamptz NOT NULL DEFAULT now(),
    automation_id uuid NOT NULL,
    home_id uuid NOT NULL,
    health_status text NOT NULL
        CHECK (health_status IN ('healthy', 'degraded', 'failing', 'broken')),
    health_score integer CHECK (health_score BETWEEN 0 AND 100),
    trigger_valid boolean,
    conditions_valid boolean,
    actions_valid boolean,
    devices_accessible boolean,
    issues_found jsonb DEFAULT '[]',
    warnings jsonb DEFAULT '[]',
    recommended_fixes jsonb DEFAULT '[]',
    can_auto_repair boolean DEFAULT false,
    auto_repair_attempted boolean DEFAULT false,
    auto_repair_success boolean,
    devices_offline integer DEFAULT 0,
    deprecated_features boolean DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, time)
);
SELECT ts.make_hypertable('ts.automation_health_checks', 'time', ARRAY['automation_id'], 'time DESC, id', '60 days', '2 years');

CREATE TABLE IF NOT EXISTS ts.scene_activations (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    time timestamptz NOT NULL DEFAULT now(),
    scene_id uuid NOT NULL,
    home_id uuid NOT NULL,
    activated_by uuid,
    activation_source text
        CHECK (activation_source IN ('manual', 'automation', 'voice', 'schedule')),
    status text NOT NULL
        CHECK (status IN ('success', 'failed', 'partial')),
    devices_targeted integer,
    devices_succeeded integer,
    devices_failed integer,
    execution_duration_ms integer,
    failed_devices uuid[],
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, time)
);
SELECT ts.make_hypertable('ts.scene_activations', 'time', ARRAY['scene_id'], 'time DESC, id', '90 days', '2 years');

CREATE TABLE IF NOT EXISTS ts.self_healing_executions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    time timestamptz NOT NULL DEFAULT now(),
    device_id uuid NOT NULL,
    home_id uuid NOT NULL,
    action_id uuid NOT NULL,
    triggered_by text NOT NULL
        CHECK (triggered_by IN ('diagnostic', 'prediction', 'alert', 'manual', 'scheduled')),
    trigger_source_id uuid,
    issue_detected text NOT NULL,
    issue_severity alert_severity,
    device_state_before jsonb,
    status action_status NOT NULL,
    started_at timestamptz NOT NULL,
    completed_at timestamptz,
    duration_ms integer,
    action_parameters jsonb DEFAULT '{}',
    retry_attempt integer DEFAULT 0,
    success boolean,
    device_state_after jsonb,
    error_message text,
    error_details jsonb,
    issue_resolved boolean,
    verified_at timestamptz,
    verification_method text,
    required_user_approval boolean DEFAULT false,
    approved_by uuid,
    approved_at timestamptz,
    user_feedback text,
    follow_up_required boolean DEFAULT false,
    follow_up_action text,
    follow_up_scheduled_at timestamptz,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, time)
);
SELECT ts.make_hypertable('ts.self_healing_executions', 'time', ARRAY['device_id', 'action_id'], 'time DESC, id', '30 days', '2 years');
