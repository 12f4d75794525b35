# What nexa-hub needs of a machine. Nothing is changed before all of it was looked at. Sourced by install.sh.

# What an installation takes, in MB: the environment with all dialects, or without.
ROOM_FULL=420
ROOM_LIGHT=220

has_systemd() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

need_root() {
    [ "$(id -u)" = 0 ] || fail "this needs root: sudo $0"
}

need_platform() {
    [ "$(uname -s)" = Linux ] || fail "this is $(uname -s): nexa-hub runs on Linux with systemd"
    case "$(uname -m)" in
        aarch64 | arm64 | x86_64 | amd64) ;;
        armv6l | armv7l | armv8l | i?86)
            fail "this system is 32-bit ($(uname -m)): nexa-hub needs a 64-bit one. On a Raspberry Pi 3 or newer write 'Raspberry Pi OS (64-bit)' to the card; older models cannot run it" ;;
        *) fail "there is no nexa-hub for $(uname -m): it runs on aarch64 and x86-64" ;;
    esac
    [ -n "$root" ] || [ "$start" = no ] || has_systemd ||
        fail "systemd does not run here, and it is what starts nexa-hub. In a container or another system: --no-start, then start 'nexa-hub run' yourself"
}

need_packages() {
    [ -z "$root" ] || return 0
    missing=
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
    [ "$broker" = none ] || command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || missing="$missing mosquitto"
    command -v openssl >/dev/null || missing="$missing openssl"
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "please install:$missing"
    say "installing$missing"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null 2>&1 || {
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
    } || fail "could not install$missing; is the network there?"
}

need_python() {
    told=$("$python" -c 'import struct, sys; print(*sys.version_info[:2], 8 * struct.calcsize("P"))' 2>/dev/null) ||
        fail "there is no Python at '$python': apt install python3 python3-venv, or name one with --python"
    set -- $told
    [ "$1" -gt 3 ] || [ "$1" -eq 3 -a "$2" -ge 11 ] ||
        fail "Python 3.11 or newer is needed, and '$python' is $1.$2. Debian 12 (bookworm) and newer have it; or name another with --python"
    [ "$3" = 64 ] || fail "the kernel is 64-bit, but this system's programs are 32-bit: write 'Raspberry Pi OS (64-bit)' to the card"
    case "$("$python" -c 'import os, sys; print(os.path.realpath(sys.executable))')" in
        /home/* | /root/*) say "warning: the service cannot see '$python' (ProtectHome=): give a system Python with --python" ;;
    esac
}

need_room() {
    needed=$ROOM_FULL
    [ "$lock" = deploy/requirements-dialects.txt ] || needed=$ROOM_LIGHT
    folder=$prefix
    while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
    free=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$needed" ] ||
        fail "the disk is too full: $folder has $free MB free, and $needed MB are needed. Make room (apt-get clean, journalctl --vacuum-size=50M) and run this again; nothing was changed"
}

only_one() {
    mkdir -p "$prefix"
    exec 9>"$prefix/.install.lock"
    flock -n 9 || fail "another installation is running; wait until it is done"
}
