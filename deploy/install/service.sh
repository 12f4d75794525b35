# Users, units, rules, and what is told at the end; and how all of it goes away. Sourced by install.sh.

install_user() {
    [ -z "$root" ] || return 0
    ! getent passwd nexa-hub >/dev/null || return 0
    say "making the user nexa-hub"
    useradd --system --user-group --home-dir /var/lib/nexa-hub --no-create-home --shell /usr/sbin/nologin nexa-hub
}

# Which services the hub may restart when they do not answer: as its settings say, else what is the default there.
install_rules() {
    units=$("$python" - "$settings/nexa-hub.toml" <<'END'
import json, re, sys, tomllib
with open(sys.argv[1], "rb") as file:
    units = tomllib.load(file).get("healing", {}).get("units", ["mosquitto.service"])
if not all(isinstance(each, str) and re.fullmatch(r"[A-Za-z0-9:_.@-]{1,200}\.service", each) for each in units):
    sys.exit(1)
print(json.dumps(units))
END
    ) || fail "units of [healing] in $settings/nexa-hub.toml must be names of services, such as mosquitto.service"
    if [ "$units" = "[]" ]; then
        rm -f "$rules"
        return 0
    fi
    say "the hub may restart $units"
    mkdir -p "$(dirname "$rules")"
    sed "s|@UNITS@|$units|" deploy/nexa-hub.rules >"$rules.new"
    chmod 0644 "$rules.new"
    mv "$rules.new" "$rules"
}

# A card is not to be filled with log; who has set a bound knows better.
install_journal() {
    ! grep -rqsE '^[[:space:]]*SystemMaxUse=' "$root/etc/systemd/journald.conf" "$root/etc/systemd/journald.conf.d" --exclude=50-nexa-hub.conf || return 0
    ! cmp -s deploy/journald.conf "$journal" || return 0
    mkdir -p "$(dirname "$journal")"
    install -m 0644 deploy/journald.conf "$journal"
    ! has_systemd || systemctl try-restart systemd-journald.service || true
}

# The agent's unit comes with its version (deploy/upgrade/); here is what does not change with it.
install_command() {
    mkdir -p "$(dirname "$users")" "$(dirname "$unit")" "$(dirname "$command")"
    install -m 0644 deploy/nexa-hub.sysusers "$users"
    path=$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')
    sed "s|@PYTHON@|$path|" deploy/nexa-hub-upgrade.service >"$upgrade_unit.new"
    chmod 0644 "$upgrade_unit.new"
    mv "$upgrade_unit.new" "$upgrade_unit"
    ln -sfn /opt/nexa-hub/current/bin/nexa-hub "$command"
    "$prefix/$version/bin/python" -m hub_agent manual --install "$root/usr/local" || say "the manual page could not be put in its place"
    if [ -n "$root" ] && [ "$start" = yes ]; then
        wanted=$root/etc/systemd/system/multi-user.target.wants
        mkdir -p "$wanted"
        ln -sfn ../nexa-hub.service "$wanted/nexa-hub.service"
        ln -sfn ../nexa-hub-upgrade.service "$wanted/nexa-hub-upgrade.service"
    fi
    restart_broker
}

report() {
    if [ "$start" = no ] || ! has_systemd; then
        say "installed version $number, not started"
        return 0
    fi
    say "the hub runs. Open its page and pair this way:"
    "$command" pair || say "the pairing code: sudo nexa-hub pair"
    if grep -qs '^password_file /etc/mosquitto/nexa-hub.passwd' "$broker_settings"; then
        show_login devices
        say "(to see it again: sudo deploy/install.sh --device-login devices)"
    fi
}

uninstall() {
    set_broker_paths
    if [ -z "$data" ]; then
        data=keep
        if is_asked; then
            printf '%s' "nexa-hub: remove its settings and all that the home has stored, too? [y/N] "
            read -r answer
            case "$answer" in [yYjJ]*) data=purge ;; esac
        fi
    fi
    if has_systemd; then
        say "stopping the service"
        systemctl disable --now --quiet nexa-hub-upgrade.service nexa-hub.service 2>/dev/null || true
    fi
    say "removing the program, its units and its broker settings"
    rm -rf "$prefix"
    rm -f "$root/usr/local/share/man/man1/nexa-hub.1" "$root/usr/local/share/bash-completion/completions/nexa-hub" \
        "$root/usr/local/share/zsh/site-functions/_nexa-hub" "$root/usr/local/share/fish/vendor_completions.d/nexa-hub.fish"
    rm -f "$unit" "$upgrade_unit" "$command" "$broker_settings" "$users" "$rules" "$journal"
    rm -f "$root"/etc/systemd/system/multi-user.target.wants/nexa-hub.service "$root"/etc/systemd/system/multi-user.target.wants/nexa-hub-upgrade.service
    if has_systemd; then
        systemctl daemon-reload
        systemctl try-restart mosquitto.service systemd-journald.service 2>/dev/null || true
    fi
    if [ "$data" = purge ]; then
        say "removing settings, logins of the broker, and the home's data"
        rm -rf "$settings" "$state" "$broker_logins" "$broker_rights"
        [ -n "$root" ] || ! getent passwd nexa-hub >/dev/null || userdel nexa-hub
    else
        say "settings stay in $settings, the home's data in $state; --uninstall --purge removes them too"
    fi
    say "removed"
}
