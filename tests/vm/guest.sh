#!/bin/sh
# Runs inside the machine: guest.sh FOLDER PROJECT [shell]. Root is the host's, read-only, over 9p without a cache; the
# tests run in a second mount of it that has one, which makes Python start several times faster.
folder=$1 project=$2 mode=${3:-tests}
if [ "$mode" = tests ]; then exec >"$folder/guest" 2>&1; fi
echo "booted $(cut -d' ' -f1 /proc/uptime)"
root=/run/root
mkdir -p $root /run/tmp
mount -t 9p -o ro,cache=loose,msize=512000,trans=virtio,version=9p2000.L,access=any cached $root || exit 1
for kept in dev proc sys run; do mount --rbind /$kept $root/$kept || exit 1; done
mount --bind "$folder" "$root$folder" || exit 1
mount -t configfs none $root/sys/kernel/config 2>/dev/null
export PYTHONDONTWRITEBYTECODE=1 PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 TMPDIR=/run/tmp HOME=/run/tmp \
    VM_FOLDER="$folder" PATH=/usr/sbin:/usr/bin:/sbin:/bin
if [ "$mode" = shell ]; then
    echo "One test: .venv/bin/python -m pytest -c tests/vm/guest.ini --rootdir=. --confcutdir=tests/vm/guest FILE"
    exec chroot $root sh -c "cd $project && exec bash -i"
fi
chroot $root python3 - "$folder" "$project" <<'PYTHON' >"$folder/output" 2>&1
import os, sys
folder, project = sys.argv[1:]
os.chdir(project)
command = open(f"{folder}/command").read().splitlines()
os.execv(command[0], command)
PYTHON
said=$?
echo "ended $(cut -d' ' -f1 /proc/uptime), it said $said"
dmesg >"$folder/kernel"
touch "$folder/done"
