#!/bin/sh
# Installs, upgrades or removes nexa-hub on a Debian-like system with systemd (Raspberry Pi OS, Debian, Ubuntu).
# Run it again to upgrade; what is installed and what the home has stored is kept. Its parts are in deploy/install/.
set -eu

usage() {
    cat <<'END'
usage: deploy/install.sh [options]            install or upgrade (as root)
       deploy/install.sh --back               go back to the version before
       deploy/install.sh --device-login NAME  show a login for devices at the broker; make it if there is none
       deploy/install.sh --uninstall [--purge | --keep]

  --from FILE|URL      take the release from there instead of from the folder this script is in; needs --sha256
  --sha256 SUM         what it must have; the release's SHA256SUMS says it
  --cloud URL          address of the cloud's gateway
  --claim-code CODE    one-time code that makes this hub part of a home; - reads it from the input, so that no process list shows it
  --broker KIND        lan: mosquitto for the home's network, with logins (where nothing is set up yet)
                       local: mosquitto for this machine only, without logins;  none: the home has a broker already
  --light              without the libraries of single dialects (HomeKit, ESPHome, LIFX, Sonos, Cast, SSDP) and without zstd: 58 packages less
  --wheels DIR         take Python packages from DIR instead of the package index (no network needed)
  --python PATH        Python 3.11 or newer to use (default: /usr/bin/python3)
  --watch SECONDS      so long a new version is watched, and taken back if it is not well (180)
  --no-start           install only; do not enable or start anything
  --root DIR           install below DIR, as into the image of an SD card: enabled there, nothing started, nothing by apt
  --uninstall          stop and remove the agent; asks about settings and the home's data, and keeps them where nobody is there to ask
  --purge              with --uninstall: remove settings and data as well;  --keep: keep them, and do not ask
END
}

say() { printf '%s\n' "nexa-hub: $*"; }
fail() { printf '%s\n' "nexa-hub: $*" >&2; exit 1; }
# Whether a person is there to ask.
is_asked() { [ -t 0 ] && [ -t 1 ]; }
# Where a test may pull the plug.
at() { [ "${NEXA_KILL_AT:-}" != "$1" ] || kill -KILL $$; }

here=$(cd "$(dirname "$0")" && pwd)
for part in platform source program settings broker service; do
    [ -f "$here/install/$part.sh" ] || fail "run this from a whole copy of nexa-hub: $here/install/$part.sh is not there"
    . "$here/install/$part.sh"
done
cd "$here/.."

cloud= code= wheels= root= from= sha256= login=
# The system's own: one under /home or /root is hidden from the hardened service.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
broker= start=yes action=install data= lock=deploy/requirements-dialects.txt watch=180
for each; do
    case "$each" in --from) install_from "$@"; exit ;; esac
done
while [ $# -gt 0 ]; do
    case "$1" in
        --sha256) fail "--sha256 goes with --from" ;;
        --cloud) cloud=${2:?--cloud needs an address}; shift ;;
        --claim-code) code=${2:?--claim-code needs a code}; shift ;;
        --broker) broker=${2:?--broker needs a kind}; shift ;;
        --wheels) wheels=$(cd "${2:?--wheels needs a directory}" && pwd); shift ;;
        --python) python=${2:?--python needs a path}; shift ;;
        --root) root=$(mkdir -p "${2:?--root needs a directory}" && cd "$2" && pwd); shift ;;
        --watch) watch=${2:?--watch needs seconds}; shift ;;
        --device-login) action=login login=${2:?--device-login needs a name}; shift ;;
        --light) lock=deploy/requirements.txt ;;
        --no-start) start=no ;;
        --back) action=back ;;
        --uninstall) action=uninstall ;;
        --purge) data=purge ;;
        --keep) data=keep ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; fail "unknown option: $1" ;;
    esac
    shift
done
case "$broker" in "" | lan | local | none) ;; *) fail "--broker is lan, local or none, not '$broker'" ;; esac
case "$watch" in *[!0-9]*) fail "--watch is a number of seconds, not '$watch'" ;; esac
case "$login" in *[!A-Za-z0-9._-]*) fail "a login has letters, digits, dots, dashes and underscores: '$login' has others" ;; esac
case "$cloud$code" in *[\"\\]*) fail "an address or a claim code holds no quotes or backslashes" ;; esac
[ -z "$data" ] || [ "$action" = uninstall ] || fail "--$data goes with --uninstall"
# A release may bring its packages.
[ -n "$wheels" ] || [ ! -d wheels ] || wheels=$PWD/wheels

prefix=$root/opt/nexa-hub
settings=$root/etc/nexa-hub
state=$root/var/lib/nexa-hub
unit=$root/etc/systemd/system/nexa-hub.service
upgrade_unit=$root/etc/systemd/system/nexa-hub-upgrade.service
command=$root/usr/local/bin/nexa-hub
users=$root/usr/lib/sysusers.d/nexa-hub.conf
rules=$root/etc/polkit-1/rules.d/50-nexa-hub.rules
journal=$root/etc/systemd/journald.conf.d/50-nexa-hub.conf

need_root
case "$action" in
    uninstall) uninstall; exit 0 ;;
    back) go_back; exit 0 ;;
    login) show_login "$login"; exit 0 ;;
esac
need_platform
need_packages
need_python
need_room
only_one
install_user
install_program
at program
install_settings
install_broker
at settings
install_rules
install_journal
install_command
at placed
switch
report
