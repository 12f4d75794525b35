#!/bin/sh
# Installs, upgrades or removes nexa-hub on a Debian-like system with systemd (Raspberry Pi OS, Debian, Ubuntu).
# Run it again to upgrade; what is installed and what the home has stored is kept.
set -eu

usage() {
    cat <<'END'
usage: deploy/install.sh [options]            install or upgrade (as root)
       deploy/install.sh --uninstall [--purge]

  --cloud URL          address of the cloud's gateway
  --claim-code CODE    one-time code that makes this hub part of a home
  --no-broker          do not install mosquitto: the home has an MQTT broker already
  --light              without the libraries of single dialects (HomeKit, ESPHome, LIFX, Sonos, Cast, SSDP) and without zstd: 58 packages less
  --wheels DIR         take Python packages from DIR instead of the package index (no network needed)
  --python PATH        Python 3.11 or newer to use (default: /usr/bin/python3)
  --no-start           install only; do not enable or start anything
  --root DIR           install below DIR, as into the image of an SD card: enabled there, nothing started, nothing by apt
  --uninstall          stop and remove the agent; settings and the home's data stay
  --purge              with --uninstall: remove settings and data as well
END
}

say() { printf '%s\n' "nexa-hub: $*"; }
fail() { printf '%s\n' "nexa-hub: $*" >&2; exit 1; }

cloud= code= wheels= root=
# The system's own: one under /home or /root is hidden from the hardened service.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
broker=yes start=yes action=install purge=no lock=deploy/requirements-dialects.txt
while [ $# -gt 0 ]; do
    case "$1" in
        --cloud) cloud=${2:?--cloud needs an address}; shift ;;
        --claim-code) code=${2:?--claim-code needs a code}; shift ;;
        --wheels) wheels=$(cd "${2:?--wheels needs a directory}" && pwd); shift ;;
        --python) python=${2:?--python needs a path}; shift ;;
        --root) root=$(mkdir -p "${2:?--root needs a directory}" && cd "$2" && pwd); shift ;;
        --no-broker) broker=no ;;
        --light) lock=deploy/requirements.txt ;;
        --no-start) start=no ;;
        --uninstall) action=uninstall ;;
        --purge) purge=yes ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; fail "unknown option: $1" ;;
    esac
    shift
done

cd "$(dirname "$0")/.."
[ -f pyproject.toml ] && [ -f "$lock" ] || fail "run this from a whole copy of the nexa-hub sources"
[ "$(id -u)" = 0 ] || fail "this needs root: sudo deploy/install.sh"
case "$cloud$code" in *[\"\\]*) fail "an address or a claim code holds no quotes or backslashes" ;; esac

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
prefix=$root/opt/nexa-hub
settings=$root/etc/nexa-hub
state=$root/var/lib/nexa-hub
unit=$root/etc/systemd/system/nexa-hub.service
broker_settings=$root/etc/mosquitto/conf.d/nexa-hub.conf
command=$root/usr/local/bin/nexa-hub
users=$root/usr/lib/sysusers.d/nexa-hub.conf

has_systemd() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

uninstall() {
    if has_systemd; then
        say "stopping the service"
        systemctl disable --now --quiet nexa-hub.service 2>/dev/null || true
    fi
    say "removing the program, its unit and its broker settings"
    rm -rf "$prefix"
    rm -f "$unit" "$command" "$broker_settings" "$users" "$root/etc/systemd/system/multi-user.target.wants/nexa-hub.service"
    if has_systemd; then
        systemctl daemon-reload
        systemctl try-restart mosquitto.service 2>/dev/null || true
    fi
    if [ "$purge" = yes ]; then
        say "removing settings and the home's data"
        rm -rf "$settings" "$state"
        [ -n "$root" ] || ! getent passwd nexa-hub >/dev/null || userdel nexa-hub
    else
        say "settings stay in $settings, the home's data in $state; --purge removes them too"
    fi
    say "removed"
}

need_packages() {
    missing=
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
    [ "$broker" = no ] || command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || missing="$missing mosquitto"
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "please install:$missing"
    say "installing$missing"
    apt-get install -y -qq $missing >/dev/null 2>&1 || {
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
    } || fail "could not install$missing; is the network there?"
}

need_python() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "Python 3.11 or newer is needed and '$python' is not; name one with --python"
    case "$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')" in
        /home/* | /root/*) say "warning: the service cannot see '$python' (ProtectHome=): give a system Python with --python" ;;
    esac
}

# The environment is made aside and moved into place, so that an interrupted installation leaves the old one working.
install_program() {
    new=$prefix/$version
    stamp=$(cat "$lock" pyproject.toml $(find hub_agent cloud_schema -type f ! -name '*.pyc' | LC_ALL=C sort) | cksum | cut -d' ' -f1)
    if [ -e "$new/.made-from-$stamp" ]; then
        say "version $version is already there"
        return 0
    fi
    rm -rf "$new.part"
    mkdir -p "$prefix"
    say "making the environment for version $version"
    "$python" -m venv "$new.part" || fail "could not make a Python environment in $new.part"
    say "installing $(grep -c '^[^ ]*==' "$lock") locked packages (on a Pi this takes some minutes)"
    if [ -n "$wheels" ]; then set -- --no-index --find-links "$wheels"; else set --; fi
    "$new.part/bin/python" -m pip install --quiet --disable-pip-version-check "$@" --require-hashes -r "$lock"
    # Built from a copy: the sources may lie on a read-only disk, and nothing is to be left in them.
    copy=$(mktemp -d)
    cp -R pyproject.toml README.md hub_agent cloud_schema "$copy"
    "$new.part/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation "$copy"
    rm -rf "$copy"
    mkdir -p "$new.part/share/doc"
    cp deploy/README.md deploy/CHANGELOG.md "$new.part/share/doc/"
    # Programs in an environment name it by its path: they must name the place it is moved to, seen from the installed system.
    home=${new#"$root"}
    grep -rlI "$new.part" "$new.part/bin" "$new.part/pyvenv.cfg" | while read -r file; do
        sed -i "s|$new.part|$home|g" "$file"
    done
    touch "$new.part/.made-from-$stamp"
    rm -rf "$new.old"
    [ ! -e "$new" ] || mv "$new" "$new.old"
    mv "$new.part" "$new"
    rm -rf "$new.old"
}

point_current_here() {
    before=$(readlink "$prefix/current" 2>/dev/null || true)
    ln -sfn "$version" "$prefix/current.new"
    mv -Tf "$prefix/current.new" "$prefix/current"
    mkdir -p "$(dirname "$command")"
    ln -sfn /opt/nexa-hub/current/bin/nexa-hub "$command"
    # The one before stays, to go back to; older ones go.
    for old in "$prefix"/[0-9]*; do
        name=$(basename "$old")
        [ "$name" = "$version" ] || [ "$name" = "$before" ] || { say "removing old version $name"; rm -rf "$old"; }
    done
}

install_settings() {
    mkdir -p "$settings/secrets"
    chmod 0755 "$settings"
    chmod 0700 "$settings/secrets"
    if [ -e "$settings/nexa-hub.toml" ]; then
        say "keeping the settings in $settings/nexa-hub.toml"
    else
        say "writing settings to $settings/nexa-hub.toml"
        install -m 0644 deploy/nexa-hub.toml "$settings/nexa-hub.toml"
    fi
    if [ -n "$cloud" ]; then set_setting cloud url "$cloud"; fi
    if [ -n "$code" ]; then
        (umask 077 && printf '%s\n' "$code" >"$settings/secrets/claim-code")
        set_setting cloud claim_code_file /run/credentials/nexa-hub.service/claim-code
    fi
}

# set_setting SECTION KEY TEXT: in the settings file, where the key stands commented out, set, or not at all.
set_setting() {
    awk -v section="[$1]" -v key="$2" -v text="$3" '
        function put() { if (!is_done) { print key " = \"" text "\""; is_done = 1 } }
        /^\[/ { if (is_here) put(); is_here = ($0 == section); is_found = is_found || is_here }
        is_here && $0 ~ "^(# *)?" key " *=" { put(); next }
        { print }
        END { if (!is_found) print "\n" section; if (!is_done) put() }
    ' "$settings/nexa-hub.toml" >"$settings/nexa-hub.toml.new"
    chmod 0644 "$settings/nexa-hub.toml.new"
    mv "$settings/nexa-hub.toml.new" "$settings/nexa-hub.toml"
}

install_broker_settings() {
    [ "$broker" = yes ] || return 0
    if [ -n "$root" ] && [ ! -d "$root/etc/mosquitto" ]; then
        say "mosquitto is not in $root: install it there, or give --no-broker"
    fi
    mkdir -p "$(dirname "$broker_settings")"
    if grep -rqsE '^[[:space:]]*(listener|port)[[:space:]]' "$root/etc/mosquitto" --exclude=nexa-hub.conf; then
        say "mosquitto has a listener of its own: leaving its settings alone"
        rm -f "$broker_settings"
        return 0
    fi
    install -m 0644 deploy/mosquitto.conf "$broker_settings"
}

install_service() {
    mkdir -p "$(dirname "$unit")"
    install -m 0644 deploy/nexa-hub.service "$unit"
    mkdir -p "$(dirname "$users")"
    install -m 0644 deploy/nexa-hub.sysusers "$users"
    if [ -n "$root" ]; then
        [ "$start" = yes ] || return 0
        wanted=$root/etc/systemd/system/multi-user.target.wants
        mkdir -p "$wanted"
        ln -sfn ../nexa-hub.service "$wanted/nexa-hub.service"
        return 0
    fi
    if ! getent passwd nexa-hub >/dev/null; then
        say "making the user nexa-hub"
        useradd --system --user-group --home-dir /var/lib/nexa-hub --no-create-home --shell /usr/sbin/nologin nexa-hub
    fi
}

start_service() {
    if [ "$start" = no ] || [ -n "$root" ]; then
        say "installed version $version, not started"
        return 0
    fi
    has_systemd || { say "installed version $version; there is no systemd here to start it"; return 0; }
    systemctl daemon-reload
    if [ "$broker" = yes ]; then
        say "starting the broker"
        systemctl enable --quiet mosquitto.service
        systemctl restart mosquitto.service
    fi
    say "starting the service"
    systemctl enable --quiet nexa-hub.service
    systemctl restart nexa-hub.service ||
        fail "it did not start; the reason is in: journalctl -u nexa-hub -n 30"
    say "running version $version. The pairing code for the page: journalctl -u nexa-hub | grep -i pairing"
}

if [ "$action" = uninstall ]; then
    uninstall
    exit 0
fi
[ "$purge" = no ] || fail "--purge goes with --uninstall"
[ -n "$root" ] || need_packages
need_python
install_program
install_settings
install_broker_settings
install_service
point_current_here
start_service
