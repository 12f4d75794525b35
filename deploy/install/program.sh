# The program: an environment of its own for each version, beside the others. Sourced by install.sh.

# The environment is made aside and moved into place: an interrupted installation leaves the one that runs untouched.
install_program() {
    number=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
    version=$number-$( { cat "$lock" pyproject.toml; "$python" -V; find hub_agent cloud_schema deploy/upgrade deploy/nexa-hub.service -type f ! -name '*.pyc' |
        LC_ALL=C sort | xargs cat; } | cksum | cut -d' ' -f1)
    new=$prefix/$version
    rm -rf "$prefix"/*.part
    if [ -d "$new" ]; then
        say "version $number is already there"
    else
        trap 'rm -rf "$new.part"' EXIT
        make_environment
        at environment
        mv "$new.part" "$new"
        sync
        trap - EXIT
    fi
    ln -sfn "$version/share/upgrade" "$prefix/upgrade.new"
    mv -Tf "$prefix/upgrade.new" "$prefix/upgrade"
}

make_environment() {
    say "making the environment for version $number"
    "$python" -m venv "$new.part" || fail "could not make a Python environment in $new.part$(is_full)"
    say "installing $(grep -c '^[^ ]*==' "$lock") locked packages (on a Pi this takes some minutes)"
    if [ -n "$wheels" ]; then set -- --no-index --find-links "$wheels"; else set --; fi
    "$new.part/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir "$@" --require-hashes -r "$lock" ||
        fail "the packages could not be installed$(is_full); what runs is untouched"
    # Built from a copy: the sources may lie on a read-only disk, and nothing is to be left in them.
    copy=$(mktemp -d)
    cp -R pyproject.toml README.md LICENSE hub_agent cloud_schema "$copy"
    mkdir "$copy/deploy"
    cp deploy/THIRD_PARTY.md "$copy/deploy"
    "$new.part/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-index --no-deps --no-build-isolation "$copy" ||
        fail "nexa-hub could not be installed$(is_full); what runs is untouched"
    rm -rf "$copy"
    mkdir -p "$new.part/share/doc" "$new.part/share/systemd" "$new.part/share/upgrade"
    cp deploy/README.md deploy/CHANGELOG.md "$new.part/share/doc/"
    cp deploy/nexa-hub.service "$new.part/share/systemd/"
    cp deploy/upgrade/*.py "$new.part/share/upgrade/"
    # Which form of the mirror it writes, for who goes to it or back from it.
    ls hub_agent/store/migrations | sed -n 's/^0*\([0-9]*\)_.*\.sql$/\1/p' | sort -n | tail -1 >"$new.part/share/schema"
    # Programs in an environment name it by its path: they must name the place it is moved to, seen from the installed system.
    home=${new#"$root"}
    grep -rlI "$new.part" "$new.part/bin" "$new.part/pyvenv.cfg" | while read -r file; do
        sed -i "s|$new.part|$home|g" "$file"
    done
}

is_full() {
    [ "$(df -Pm "$prefix" | awk 'NR == 2 { print $4 }')" -ge 10 ] || printf '%s' ": the disk is full. Make room (apt-get clean, journalctl --vacuum-size=50M) and run this again"
}

# From here on it is either the one version or the other; deploy/upgrade/ says how.
switch() {
    set -- to "$version"
    [ "$start" = yes ] && has_systemd || set -- --no-start "$@"
    "$python" "$prefix/upgrade" --root "${root:-/}" --watch-s "$watch" "$@" || exit 1
}

go_back() {
    [ -d "$prefix/upgrade" ] || fail "nexa-hub is not installed in $prefix"
    if is_asked; then
        printf '%s' "nexa-hub: go back to $(readlink "$prefix/before" || echo 'the version before')? Where the mirror changed its form since, the home is as it was then. [y/N] "
        read -r answer
        case "$answer" in [yYjJ]*) ;; *) fail "nothing was changed" ;; esac
    fi
    set -- back
    [ "$start" = yes ] && has_systemd || set -- --no-start "$@"
    "$python" "$prefix/upgrade" --root "${root:-/}" "$@" || exit 1
}
