# Settings and secrets: made once, kept for ever. Sourced by install.sh.

install_settings() {
    mkdir -p "$settings/secrets"
    chmod 0755 "$settings"
    chmod 0700 "$settings/secrets"
    if [ -e "$settings/nexa-hub.toml" ]; then
        say "keeping the settings in $settings/nexa-hub.toml"
        setting mqtt host >/dev/null || exit 1
    else
        say "writing settings to $settings/nexa-hub.toml"
        install -m 0644 deploy/nexa-hub.toml "$settings/nexa-hub.toml"
    fi
    [ -z "$cloud" ] || set_setting cloud url "$cloud"
    ask_claim_code
    if [ -n "$code" ]; then
        keep_secret claim-code "$code"
        set_setting cloud claim_code_file /run/credentials/nexa-hub.service/claim-code
    fi
}

ask_claim_code() {
    if [ "$code" = - ]; then
        read -r code || [ -n "$code" ] || fail "no claim code came from the input"
    elif [ -n "$code" ]; then
        say "note: a code in the command line can be read in the list of processes and in the shell's history; --claim-code - reads it from the input"
    elif [ -n "$cloud" ] && [ ! -e "$settings/secrets/claim-code" ] && is_asked; then
        printf '%s' "nexa-hub: claim code (from the app; empty: later): "
        read -r code || code=
    fi
    case "$code" in *[\"\\]*) fail "a claim code holds no quotes or backslashes" ;; esac
}

# keep_secret NAME TEXT: readable by root only, whole or not at all.
keep_secret() {
    (umask 077 && printf '%s\n' "$2" >"$settings/secrets/$1.new")
    mv "$settings/secrets/$1.new" "$settings/secrets/$1"
}

# setting SECTION KEY: as it is set; empty where it is not.
setting() {
    "$python" - "$settings/nexa-hub.toml" "$1" "$2" <<'END'
import sys, tomllib
try:
    with open(sys.argv[1], "rb") as file:
        value = tomllib.load(file).get(sys.argv[2], {}).get(sys.argv[3], "")
except (OSError, ValueError) as err:
    sys.exit(f"nexa-hub: {sys.argv[1]} cannot be read: {err}. Mend it and run this again; what runs is untouched")
print(value)
END
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
