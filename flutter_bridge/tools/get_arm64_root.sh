#!/usr/bin/env bash
# Makes a folder in which a program for 64-bit Arm runs under QEMU on this machine:
#
#   flutter_bridge/tools/get_arm64_root.sh DIR    then   qemu-aarch64 -cpu cortex-a76 -L DIR PROGRAM
#
# It holds Debian's C and C++ libraries for arm64, fetched through the mirror that apt uses already and
# unpacked (nothing is installed, no root needed), and what ONNX Runtime asks a processor for: without
# /proc/cpuinfo and /sys/devices/system/cpu of an Arm machine it reads those of the real one and
# crashes. A second call with a finished DIR does nothing.
set -euo pipefail

target=$(realpath -m "${1:?usage: get_arm64_root.sh DIR}")
[ -e "$target/complete" ] && exit 0
command -v apt-get >/dev/null || {
  echo "get_arm64_root.sh: apt-get is not here; unpack libc6, libstdc++6 and libgcc-s1 for arm64 into $target" >&2
  exit 1
}

mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
  grep -v -e security -e updates | head -1 | cut -d' ' -f1)
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
work="$target/apt"
mkdir -p "$work"/{packages,lists/partial,cache/archives/partial,etc}
: >"$work/status"
echo "deb [arch=arm64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" \
  >"$work/etc/sources.list"
cat >"$work/apt.conf" <<CONF
APT::Architecture "arm64"; APT::Architectures { "arm64"; };
Dir::State "$work"; Dir::State::Lists "$work/lists"; Dir::State::status "$work/status";
Dir::Cache "$work/cache"; Dir::Etc "$work/etc"; Dir::Etc::sourcelist "$work/etc/sources.list";
Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "-"; APT::Sandbox::User "root";
CONF
export APT_CONFIG="$work/apt.conf"
apt-get -qq update 2>/dev/null
(cd "$work/packages" && apt-get -qq download libc6 libstdc++6 libgcc-s1)
for package in "$work"/packages/*.deb; do dpkg -x "$package" "$target"; done

mkdir -p "$target/proc" "$target/sys/devices/system/cpu"
echo 0 >"$target/sys/devices/system/cpu/possible"
echo 0 >"$target/sys/devices/system/cpu/present"
cat >"$target/proc/cpuinfo" <<'CPU'
processor	: 0
BogoMIPS	: 50.00
Features	: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm asimddp
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x3
CPU part	: 0xd0b
CPU revision	: 1
CPU
rm -rf "$work"
touch "$target/complete"
