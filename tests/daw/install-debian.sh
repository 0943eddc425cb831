#!/bin/sh
# Installs what tests/daw needs and this machine lacks.
set -eu
packages="ardour ardour-data xvfb xauth x11-utils xdotool imagemagick jackd2 libportaudio2 puredata-core"

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    for program in ardour ardour7-lua Xvfb xdotool import jackd pd; do
        command -v "$program" >/dev/null || missing="${missing-}$program "
    done
    [ -z "${missing-}" ] && exit 0
    echo "The DAW tests need programs that are not here: $missing(this is no Debian: install them your system's way)." >&2
    exit 1
fi

missing=""
for package in $packages; do
    dpkg-query --show --showformat '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "The DAW tests need these packages; as root: apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
apt-get update
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $missing
