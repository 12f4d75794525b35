# A release from a file or an address, held against its checksum before anything of it is run. Sourced by install.sh.

# install_from OPTIONS...: the installer of the release gets all options but --from and --sha256.
install_from() {
    left=$# from= sha256=
    while [ "$left" -gt 0 ]; do
        case "$1" in
            --from | --sha256)
                [ "$left" -ge 2 ] || fail "$1 needs a value"
                [ "$1" = --from ] && from=$2 || sha256=$2
                shift 2
                left=$((left - 2)) ;;
            *)
                [ "$1" != --python ] || python=${2:?--python needs a path}
                set -- "$@" "$1"
                shift
                left=$((left - 1)) ;;
        esac
    done
    [ -n "$sha256" ] || fail "--from needs --sha256: what the release must be stands in its SHA256SUMS"
    room=$(mktemp -d "${TMPDIR:-/var/tmp}/nexa-hub.XXXXXX")
    trap 'rm -rf "$room"' EXIT
    case "$from" in
        http://* | https://*)
            say "fetching $from"
            fetch "$from" "$room/release.tar.gz" || fail "$from could not be fetched; nothing was changed" ;;
        *) cp "$from" "$room/release.tar.gz" || fail "$from cannot be read; nothing was changed" ;;
    esac
    is=$(sha256sum "$room/release.tar.gz" | cut -d' ' -f1)
    [ "$is" = "$(printf '%s' "$sha256" | tr 'A-F' 'a-f')" ] ||
        fail "$from is not what was asked for: its SHA-256 is $is, not $sha256. Nothing was changed. Fetch it again, or look at where it comes from"
    mkdir "$room/release"
    tar -xzf "$room/release.tar.gz" -C "$room/release" --no-same-owner --strip-components=1 || fail "$from is not a release of nexa-hub"
    [ -x "$room/release/deploy/install.sh" ] || fail "$from is not a release of nexa-hub: there is no deploy/install.sh in it"
    "$room/release/deploy/install.sh" "$@"
}

fetch() {
    "$python" - "$1" "$2" <<'END'
import shutil, sys, urllib.request
try:
    with urllib.request.urlopen(sys.argv[1], timeout=60) as answer, open(sys.argv[2], "wb") as out:
        shutil.copyfileobj(answer, out)
except (OSError, ValueError) as err:
    sys.exit(f"nexa-hub: {err}")
END
}
