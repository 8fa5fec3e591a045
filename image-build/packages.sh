#!/bin/sh
# Installs what debian-packages.txt names for the given rings and is not there yet.
set -eu
cd "$(dirname "$0")"
missing=""
for ring in "$@"; do
    for package in $(awk -v ring="$ring" '$1 == ring {print $2}' debian-packages.txt); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0
sudo=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "as root: apt-get install$missing" >&2; exit 1; }
    sudo=sudo
fi
echo "Installing Debian packages:$missing"
$sudo apt-get update -qq
# Debian would start a Mosquitto of its own on the port of ours: no service is started by this installation,
# and Mosquitto is not enabled for the next start of the machine if it was not here before.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap '$sudo rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod 755 $policy
fi
# On a machine without a kernel of its own (a container), the tests' kernel needs no initramfs: that saves most of the
# installation's time. A machine that boots a kernel of its own gets one as usual.
initrd=""
[ -n "$(find /boot -maxdepth 1 -name 'vmlinuz-*' 2>/dev/null)" ] || initrd="INITRD=No"
$sudo env DEBIAN_FRONTEND=noninteractive $initrd apt-get install -y -qq --no-install-recommends $missing >/dev/null
case "$missing" in
    *" mosquitto"*) command -v systemctl >/dev/null && $sudo systemctl disable -q mosquitto.service 2>/dev/null || true ;;
esac
