#!/bin/sh
# Proves the lists of Debian packages: a stock Debian 12 in FOLDER, then this checkout inside it.
#
#   tests/deploy/fresh_debian.sh FOLDER [COMMAND…]     (root; default command: .ci/run)
#
# FOLDER keeps the system, so that a second run starts from the first one's. Environment variables
# pass through; certificate files that they name are copied in. DEBIAN_MIRROR chooses a mirror.
set -eu
checkout=$(cd "$(dirname "$0")/../.." && pwd)
root=${1:?the folder for the new system}
shift
[ $# -gt 0 ] || set -- .ci/run

if [ ! -e "$root/etc/debian_version" ]; then
    # shellcheck disable=SC2086 # no mirror given means no argument
    debootstrap bookworm "$root" ${DEBIAN_MIRROR:-}
fi
root=$(cd "$root" && pwd)

trap 'umount "$root/proc"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mount -t proc proc "$root/proc"

cp /etc/resolv.conf "$root/etc/resolv.conf"
rm -rf "$root/root/ortoo"
mkdir -p "$root/root/ortoo"
cd "$checkout"
git ls-files -z --cached --others --exclude-standard |
    tar --create --null --files-from=- --ignore-failed-read | tar --extract -C "$root/root/ortoo"

chroot "$root" /bin/sh -c 'apt-get -qq update &&
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes make git python3'
for file in "${PIP_CERT:-}" "${SSL_CERT_FILE:-}"; do
    if [ -f "$file" ]; then
        install -D -m 644 "$file" "$root$file"
    fi
done
chroot "$root" /bin/sh -c 'cd /root/ortoo && exec "$@"' sh "$@"
