#!/bin/sh
# Sets up this checkout: Debian packages, .venv with the pinned dependencies, the checkout in it.
#
#   deploy/setup.sh check    Python alone
#   deploy/setup.sh demo     that, and RabbitMQ
#   deploy/setup.sh bench    that, and what Ortoo is measured against
#   deploy/setup.sh test     that, PostgreSQL, MariaDB, Chromium, a Chinese font, spin and a compiler
#
# Does only what is not done yet. As root it installs missing packages and leaves no system service
# behind; otherwise it prints the command and exits 3.
set -eu
cd "$(dirname "$0")/.."

policy=/usr/sbin/policy-rc.d # Debian's switch against services that start when installed

main() {
    mkdir -p var
    missing=$(missing_packages "$1")
    [ -z "$missing" ] || provide_packages "$missing"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        give_up 'Ortoo needs Python 3.11 or newer.' 'Ortoo 需要 Python 3.11 或更新版本。'
    (
        flock 9 # two makes at once: the second one waits and finds everything done
        set_up_venv
        case $1 in test | bench) add_bench ;; esac
    ) 9>var/setup.lock
}

missing_packages() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    [ "$1" = check ] || [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || echo rabbitmq-server
    [ "$1" != test ] || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || echo postgresql
    # The server alone: Debian's mariadb-server would start it as a service.
    [ "$1" != test ] || [ -x /usr/sbin/mariadbd ] || echo mariadb-server-core
    # What prints papers (ADR 38); fc-list comes with it.
    [ "$1" != test ] || command -v chromium >/dev/null || echo chromium
    [ "$1" != test ] || fc-list :lang=zh 2>/dev/null | grep -q . || echo fonts-wqy-zenhei
    # What checks the model of a feed (protocol/formal).
    [ "$1" != test ] || command -v spin >/dev/null || echo spin
    [ "$1" != test ] || command -v gcc >/dev/null || echo gcc libc6-dev
}

provide_packages() {
    # Package names hold no blanks: the list is split on purpose.
    # shellcheck disable=SC2086
    set -- $1
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        services=$(services_of "$@")
        give_up 'Debian packages are missing. Run this as root, then try again:' \
            '缺少以下 Debian 软件包。请先以 root 身份运行此命令，然后重试：' \
            "    apt-get install --no-install-recommends $*" \
            ${services:+'Debian then starts system services that Ortoo does not need. To retire them:'} \
            ${services:+'Debian 会随之启动 Ortoo 并不需要的系统服务。停用命令：'} \
            ${services:+"    systemctl disable --now $services"}
    fi
    echo "Installing Debian packages: $*"
    with_services_held_back install_packages "$@" >var/packages.log
    retire_services "$@" >>var/packages.log
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install --yes --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

with_services_held_back() {
    if [ -e "$policy" ]; then # the administrator's own rules stand
        "$@"
        return
    fi
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    "$@"
    rm -f "$policy"
    trap - EXIT INT TERM
}

services_of() {
    for package in "$@"; do
        case $package in
        rabbitmq-server) echo rabbitmq-server.service epmd.socket epmd.service ;;
        postgresql) echo postgresql.service ;;
        esac
    done | tr '\n' ' '
}

# Of packages that we installed just now: neither runs, nor starts with the machine.
retire_services() {
    for package in "$@"; do
        [ -x "/etc/init.d/$package" ] || continue
        update-rc.d "$package" disable
        [ -d /run/systemd/system ] || invoke-rc.d --quiet "$package" stop || true
    done
    for unit in $(services_of "$@"); do
        command -v systemctl >/dev/null || continue
        systemctl --quiet disable "$unit"
        [ ! -d /run/systemd/system ] || systemctl stop "$unit"
    done
}

set_up_venv() {
    made_for=$(
        pwd
        python3 -VV
        cat requirements/dev.txt
    )
    if [ "$made_for" != "$(cat .venv/made-for 2>/dev/null)" ]; then
        echo 'Setting up .venv with the pinned dependencies (a minute or two) …'
        python3 -m venv --clear .venv
        .venv/bin/python -m pip --disable-pip-version-check --quiet install \
            --require-hashes --requirement requirements/dev.txt
        printf '%s\n' "$made_for" >.venv/made-for
    fi
    if ! cmp -s pyproject.toml .venv/pyproject.toml; then
        .venv/bin/python -m pip --disable-pip-version-check --quiet install \
            --no-deps --no-index --no-build-isolation --editable .
        cp pyproject.toml .venv/pyproject.toml
    fi
}

# The peers of `make bench` and what draws its plots, beside the rest: the pins agree.
add_bench() {
    cmp -s requirements/bench.txt .venv/bench.txt && return
    echo 'Adding the peers of the bench to .venv …'
    .venv/bin/python -m pip --disable-pip-version-check --quiet install \
        --require-hashes --requirement requirements/bench.txt
    cp requirements/bench.txt .venv/bench.txt
}

give_up() {
    printf '%s\n' "$@" >&2
    exit 3
}

case "${1:-}" in
check | demo | test | bench) main "$1" ;;
*)
    echo "usage: $0 check|demo|test|bench" >&2
    exit 2
    ;;
esac
