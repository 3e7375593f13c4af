# The Debian packages that the commands of ./dev need, and how they get them. Sourced by ./dev.
# This is the only list of them.
# shellcheck shell=sh disable=SC2034

BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config ca-certificates
    libssl-dev libunbound-dev libjansson-dev libcrypt-dev libidn2-dev"
TEST_PACKAGES="clang clang-tidy clang-format cppcheck shellcheck llvm libclang-rt-14-dev python3
    util-linux swaks libnet-ssleay-perl postfix curl openssl nodejs npm procps nsd
    python3-spf python3-authres python3-dnspython python3-yaml spf-tools-perl python3-dkim
    python3-nacl opendkim opendkim-tools miltertest ldnsutils haproxy
    dovecot-core dovecot-imapd dovecot-lmtpd
    iproute2 php-cli git git-email s-nail mutt
    libdb5.3 libgnutls-dane0 libidn12 libnsl2 libpcre2-8-0 libpam0g libselinux1"
BENCH_PACKAGES="python3 openssl postfix strace procps util-linux libopendkim-dev"
# Programs for tests that are unpacked to build/unpacked/NAME and not installed: Debian's Exim and
# Postfix exclude each other, and cron would start. Their libraries stand in the list above.
UNPACKED_PACKAGES="exim4-daemon-light cron"

# Prints those of the packages that are not installed.
missing_packages() {
    # shellcheck disable=SC2086
    installed=" $(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $1 2>/dev/null |
        sed -n 's/^installed //p' | tr '\n' ' ') "
    for package in $1; do
        case $installed in
        *" $package "*) continue ;;
        esac
        # Node from elsewhere than Debian brings npm with it, and refuses Debian's.
        [ "$package" != npm ] || ! command -v npm >/dev/null || continue
        printf '%s ' "$package"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# These would start themselves. They serve as peers in tests only, with configurations of their own.
SERVICES="postfix dovecot-core haproxy nsd opendkim"

# $1: packages. True when one of them is among the services.
has_service() {
    for service in $SERVICES; do
        case " $1 " in
        *" $service "*) return 0 ;;
        esac
    done
    return 1
}

# $1: packages
install_packages() {
    policy=/usr/sbin/policy-rc.d
    made_policy=
    case " $1 " in
    *" postfix "*)
        echo 'postfix postfix/main_mailer_type select No configuration' |
            as_root debconf-set-selections
        ;;
    esac
    if has_service "$1" && [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
        made_policy=yes
    fi
    status=0
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends $1 || status=$?
    [ -z "$made_policy" ] || as_root rm -f $policy
    return $status
}

# $1: packages, separated by blanks
need_packages() {
    command -v dpkg-query >/dev/null || return 0 # not Debian: the build says what it lacks
    missing=$(missing_packages "$1")
    [ -n "$missing" ] || return 0
    echo "installing: $missing" >&2
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        echo "this needs root or sudo; as root: apt-get install $missing" >&2
        exit 1
    fi
    if [ -z "$(find /var/lib/apt/lists -name '*_Packages*' -mtime -1 2>/dev/null | head -n 1)" ]; then
        as_root apt-get update -q
        install_packages "$missing"
    else
        # The lists may still be too old for what the mirror has.
        install_packages "$missing" || { as_root apt-get update -q && install_packages "$missing"; }
    fi
}

# $1: a package; into the working directory
download_package() {
    apt-get download -q "$1" || { as_root apt-get update -q && apt-get download -q "$1"; }
}

# $1: packages, separated by blanks
unpack_packages() {
    command -v dpkg-deb >/dev/null || return 0
    for package in $1; do
        to=build/unpacked/$package
        [ ! -d "$to" ] || continue
        echo "unpacking: $package" >&2
        rm -rf "$to.new"
        mkdir -p "$to.new/deb"
        (cd "$to.new/deb" && download_package "$package")
        dpkg-deb -x "$to.new/deb/$package"_*.deb "$to.new"
        rm -r "$to.new/deb"
        find "$to.new" -type f -perm /6000 -exec chmod ug-s {} +
        mv "$to.new" "$to"
    done
}
