#!/bin/sh
# Installs, runs, upgrades, removes and purges the Debian packages in a bare Debian 12, offline.
#
#   tests/deploy/packages_test.sh PACKAGES FOLDER     (root)
#
# FOLDER is a debootstrap with python3, adduser and ca-certificates; it is left as it was found.
set -eu
packages=$(realpath "$1")
root=$(realpath "$2")
work=/root/ortoo-packages
# No network from here on, and a /proc that ends with this shell.
[ "${ALONE:-}" ] || exec env ALONE=1 unshare --net --mount --pid --fork --kill-child "$0" "$@"
mount -t proc proc "$root/proc"
rm -rf "$root$work" && mkdir -p "$root$work" && cp "$packages"/ortoo-*.deb "$root$work/"
run() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONUTF8=1 ORTOO_LANG=en "$@"; }
as_node() { run setpriv --reuid ortoo-node --regid ortoo-node --clear-groups "$@"; }
says() { printf 'ok  %s\n' "$1"; }
folder=/var/lib/ortoo-node/extranet

run sh -c "dpkg --install $work/ortoo-*.deb" >/dev/null
run ortoo-node --version && run ortoo-hub --version
says 'installed; both programs start'
as_node ortoo-node init $folder --party s150700 --plane extranet --name 呼伦贝尔市 >/dev/null
[ "$(stat -c %a "$root$folder/keys")" = 700 ] && says 'init, keys in a folder of mode 700'

# As its unit starts it: that command, that user. A station that has not joined ends with 3 and says so.
start=$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/ortoo-node@.service" |
    sed 's/%i/extranet/; s/${LOG_LEVEL}/info/')
set +e
# shellcheck disable=SC2086 # a command line
said=$(as_node $start 2>&1)
code=$?
set -e
[ $code -eq 3 ] || { echo "exit $code: $said"; exit 1; }
[ -s "$root$folder/log/ortoo.log" ] && says "the unit's command runs as its user, and asks to be enrolled"

before=$(sha256sum "$root$folder/keys/station.key")
echo 'LOG_LEVEL=debug' >>"$root/etc/ortoo/node.conf"
mkdir "$root$work/newer"
for name in common node hub; do # the same contents under a higher number
    dpkg-deb --raw-extract "$root$work/ortoo-$name"_*.deb "$root$work/raw"
    sed -i 's/^Version: .*/&+1/; s/\(ortoo-common (= [^)]*\))/\1+1)/' "$root$work/raw/DEBIAN/control"
    dpkg-deb --root-owner-group -Zxz -z1 --build "$root$work/raw" "$root$work/newer" >/dev/null
    rm -rf "$root$work/raw"
done
run sh -c "dpkg --install $work/newer/*.deb" >/dev/null
run dpkg-query -W -f '${Version}\n' ortoo-node | grep -q '+1$'
grep -q debug "$root/etc/ortoo/node.conf"
[ "$before" = "$(sha256sum "$root$folder/keys/station.key")" ]
run ortoo-node --version >/dev/null && says 'upgraded; settings and keys are untouched'

run dpkg --remove ortoo-node ortoo-hub ortoo-common >/dev/null
[ ! -e "$root/usr/lib/ortoo" ] && [ ! -e "$root/usr/bin/ortoo-node" ] && [ -e "$root/etc/ortoo/node.conf" ]
says 'removed; nothing of the programs is left'
run dpkg --purge ortoo-node ortoo-hub ortoo-common >/dev/null 2>&1
[ ! -e "$root/etc/ortoo" ] && [ ! -e "$root/var/lib/ortoo-hub" ] &&
    [ "$before" = "$(sha256sum "$root$folder/keys/station.key")" ]
says 'purged; keys and data of the station are still there'
rm -rf "$root/var/lib/ortoo-node" "$root$work"
