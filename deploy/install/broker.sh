# Mosquitto: on the home's network with logins. What the owner set up there is never touched. Sourced by install.sh.

is_broker_changed=no

set_broker_paths() {
    broker_settings=$root/etc/mosquitto/conf.d/nexa-hub.conf
    broker_logins=$root/etc/mosquitto/nexa-hub.passwd
    broker_rights=$root/etc/mosquitto/nexa-hub.acl
}

install_broker() {
    set_broker_paths
    [ "$broker" != none ] || return 0
    case "$(setting mqtt host)" in
        "" | localhost | 127.0.0.1 | ::1) ;;
        *) say "the broker is at $(setting mqtt host), as the settings say: leaving mosquitto here alone"; return 0 ;;
    esac
    if [ -n "$root" ] && [ ! -d "$root/etc/mosquitto" ]; then
        say "mosquitto is not in $root: install it there, or give --broker none"
    fi
    if theirs=$(owners_line); then
        explain_theirs "$theirs"
        return 0
    fi
    if [ -z "$broker" ]; then
        broker=lan
        # Who speaks to it without a login today is not to be shut out by an upgrade.
        ! grep -qs '^listener 1883 127.0.0.1' "$broker_settings" || broker=local
    fi
    mkdir -p "$(dirname "$broker_settings")"
    if [ "$broker" = local ]; then
        put_broker_file deploy/mosquitto-local.conf "$broker_settings"
        say "the broker listens on this machine only; devices on the network reach it after: install.sh --broker lan"
        return 0
    fi
    add_login nexa-hub mqtt-password
    add_login devices devices-password
    put_broker_file deploy/mosquitto.conf "$broker_settings"
    set_setting mqtt username nexa-hub
    set_setting mqtt password_file /run/credentials/nexa-hub.service/mqtt-password
}

# The first line of mosquitto's settings, other than ours, that says who may listen or come in.
owners_line() {
    grep -rsnE '^[[:space:]]*(listener|port|allow_anonymous|password_file|acl_file|plugin)[[:space:]]' "$root/etc/mosquitto" \
        --include='*.conf' --exclude=nexa-hub.conf | head -1 | grep .
}

explain_theirs() {
    say "mosquitto has settings of your own (${1%%:*}): they stay as they are"
    # Ours without logins would stand in the way of a listener on all addresses.
    if grep -qs '^listener 1883 127.0.0.1' "$broker_settings"; then
        rm -f "$broker_settings"
        is_broker_changed=yes
    fi
    [ -n "$(setting mqtt username)" ] ||
        say "if your broker asks for a login: put the password into $settings/secrets/mqtt-password (mode 0600), and set username and password_file = \"/run/credentials/nexa-hub.service/mqtt-password\" under [mqtt] in $settings/nexa-hub.toml"
}

put_broker_file() {
    ! cmp -s "$1" "$2" || return 0
    install -m 0644 "$1" "$2"
    is_broker_changed=yes
}

# add_login NAME SECRET: its password is made once and kept in SECRET. Never in an argument, which all processes may read.
add_login() {
    [ -s "$settings/secrets/$2" ] || {
        keep_secret "$2" "$("$python" -c 'import secrets; print("".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(16)))')"
    }
    # Told apart: 1 means that it failed.
    made=$("$python" deploy/install/broker_login.py "$broker_logins" "$broker_rights" "$1" <"$settings/secrets/$2") || fail "the login $1 could not be made"
    [ -z "$made" ] || is_broker_changed=yes
    # It reads them as its own user.
    owner=$(awk -F: '$1 == "mosquitto" { print $3 ":" $4 }' "$root/etc/passwd" 2>/dev/null || true)
    [ -z "$owner" ] || chown "$owner" "$broker_logins" "$broker_rights"
}

show_login() {
    set_broker_paths
    [ "$1" != nexa-hub ] || fail "nexa-hub is the hub's own login; choose another name"
    grep -qs '^password_file /etc/mosquitto/nexa-hub.passwd' "$broker_settings" ||
        fail "the broker here has no logins of ours: install with --broker lan, or make one in your own broker"
    add_login "$1" "$1-password"
    restart_broker
    say "devices reach the broker at port 1883 of this machine ($(addresses)) with"
    say "  user name  $1"
    say "  password   $(cat "$settings/secrets/$1-password")"
}

restart_broker() {
    [ "$is_broker_changed" = yes ] && has_systemd && [ "$start" = yes ] || return 0
    say "starting the broker"
    systemctl enable --quiet mosquitto.service
    systemctl restart mosquitto.service || fail "mosquitto did not start; the reason is in: journalctl -u mosquitto -n 30"
}

addresses() { hostname -I 2>/dev/null | tr ' ' '\n' | grep -E '^[0-9.]+$' | head -1 | grep . || hostname; }
