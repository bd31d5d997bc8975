#!/bin/sh
# Builds ortoo-common (the programs with their libraries), ortoo-node and ortoo-hub for Debian 12.
#
#   deploy/debian/build.sh WHEELS OUT
#
# WHEELS holds the pinned wheels and Ortoo's own; no network is used. Needs Debian's own Python.
set -eu
cd "$(dirname "$0")/../.."
wheels=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
home=/usr/lib/ortoo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
arch=$(dpkg --print-architecture)

control() { # name, architecture, depends, summary
    mkdir -p "$work/$1/DEBIAN"
    cat >"$work/$1/DEBIAN/control" <<END
Package: $1
Version: $version
Architecture: $2
Maintainer: The Ortoo authors <ortoo@localhost>
Section: net
Priority: optional
Depends: $3
Description: $4
 Ortoo carries government data between departments, sealed, signed and receipted.
END
}

common() {
    control ortoo-common "$arch" 'python3 (>= 3.11), python3 (<< 3.12), adduser, ca-certificates' \
        'exchange of government data: programs and libraries'
    root=$work/ortoo-common
    mkdir -p "$root$home" "$root/usr/share/doc/ortoo-common"
    /usr/bin/python3 -m venv --without-pip "$root$home"
    .venv/bin/python -m pip --disable-pip-version-check --quiet --python "$root$home/bin/python3" \
        install --no-index --find-links "$wheels" --no-compile --require-hashes \
        --requirement requirements/runtime.txt
    .venv/bin/python -m pip --disable-pip-version-check --quiet --python "$root$home/bin/python3" \
        install --no-index --no-deps --no-compile "$wheels/ortoo-$version-py3-none-any.whl"
    rm -f "$root$home"/bin/[Aa]ctivate*
    grep -rlI "$root" "$root$home" | xargs -r sed -i "s|$root||g"
    cp LICENSE NOTICE README.md README.zh-CN.md SECURITY.md "$root/usr/share/doc/ortoo-common/"
    # Compiled files are made where they are used, and go with the package.
    printf '#!/bin/sh\nset -e\n[ "$1" != configure ] || %s/bin/python3 -m compileall -q %s/lib || true\n' \
        $home $home >"$root/DEBIAN/postinst"
    printf '#!/bin/sh\nset -e\nfind %s -name __pycache__ -type d -prune -exec rm -rf {} +\n' \
        $home >"$root/DEBIAN/prerm"
    chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
}

service() { # role
    name=ortoo-$1
    control "$name" all "ortoo-common (= $version)" "exchange of government data: the $1 service"
    root=$work/$name
    mkdir -p "$root/usr/bin" "$root/lib/systemd/system" "$root/etc/ortoo" "$root/usr/share/doc/$name"
    ln -s "$home/bin/$name" "$root/usr/bin/$name"
    cp "deploy/systemd/$name@.service" "$root/lib/systemd/system/"
    cp deploy/systemd/passphrase-credential.conf "$root/usr/share/doc/$name/"
    printf '# Read by %s@.service.\nORTOO_LANG=zh_CN\nLOG_LEVEL=info\n' "$name" \
        >"$root/etc/ortoo/$1.conf"
    echo "/etc/ortoo/$1.conf" >"$root/DEBIAN/conffiles"
    # Nothing is started: without settings there is nothing to run.
    cat >"$root/DEBIAN/postinst" <<END
#!/bin/sh
set -e
[ "\$1" = configure ] || exit 0
adduser --system --quiet --group --no-create-home --home /var/lib/$name $name
install -d -o $name -g $name -m 750 /var/lib/$name
[ ! -d /run/systemd/system ] || systemctl daemon-reload
END
    # A station's keys, store and journal stay, even on purge: no package can bring them back.
    cat >"$root/DEBIAN/postrm" <<END
#!/bin/sh
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload
[ "\$1" = purge ] || exit 0
rmdir --ignore-fail-on-non-empty /var/lib/$name 2>/dev/null || true
[ ! -d /var/lib/$name ] || echo "/var/lib/$name holds keys and data, and was left as it is." >&2
END
    cat >"$root/DEBIAN/prerm" <<END
#!/bin/sh
set -e
[ "\$1" = remove ] && [ -d /run/systemd/system ] && systemctl stop '$name@*' || true
END
    chmod 755 "$root"/DEBIAN/p*
}

common
service node
service hub
for name in ortoo-common ortoo-node ortoo-hub; do
    dpkg-deb --root-owner-group -Zxz -z1 --build "$work/$name" "$out" >/dev/null
done
