#!/usr/bin/env bash
# Brings the Dart SDK, Flutter's Dart sources and its headless test engine:
#
#   flutter_bridge/tools/get_dart.sh DIR [--linux]     then   . DIR/environment
#
# With --linux also what an app for Linux needs to be built and run without a GPU: Flutter's GTK
# engine and headers, and a graphics driver in software.
#
# For Debian and its kin on x86-64. The packages (suite sid) come through the mirror that apt already
# uses and are unpacked under DIR; nothing is installed, no root needed. Their binaries want sid's
# libraries, which are unpacked beside them, so patchelf points them there. About 150 MB to download,
# 600 MB on disk, a minute or two; with --linux twice that. A second call with a finished DIR does
# nothing.
#
# DIR/environment sets LP_DART (the `dart` command) and LP_FLUTTER_ENGINE (a folder with
# flutter_tester, frontend_server_aot.dart.snapshot and flutter_patched_sdk/), which the tests read;
# with --linux LP_FLUTTER_LINUX as well, a root folder that holds all of it.
# Elsewhere install Dart or Flutter as their makers say, and put `dart` on the PATH. The `flutter`
# tool itself is not among Debian's packages.
set -euo pipefail

target=$(realpath -m "${1:?usage: get_dart.sh DIR [--linux]}")
linux=${2:-}
[ -z "$linux" ] || [ "$linux" = --linux ] || { echo "get_dart.sh: unknown option $linux" >&2; exit 2; }
[ -e "$target/environment$linux" ] && exit 0
for tool in apt-get apt-cache dpkg patchelf; do
  command -v "$tool" >/dev/null || { echo "get_dart.sh: '$tool' is not here" >&2; exit 1; }
done
[ "$(dpkg --print-architecture)" = amd64 ] || { echo "get_dart.sh: only for x86-64" >&2; exit 1; }

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -1)
[ -n "$mirror" ] || { echo "get_dart.sh: apt knows no mirror; run apt-get update first" >&2; exit 1; }

rm -rf "$target"
mkdir -p "$target"/root "$target"/packages "$target"/apt/{state/lists/partial,cache/archives/partial,etc}
: >"$target/apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" \
  >"$target/apt/etc/sources.list"
# Check-Valid-Until: a mirror that stands still keeps a signed index whose date has passed.
cat >"$target/apt/apt.conf" <<CONF
Dir::State "$target/apt/state"; Dir::State::status "$target/apt/status";
Dir::Cache "$target/apt/cache"; Dir::Etc "$target/apt/etc";
Dir::Etc::sourcelist "$target/apt/etc/sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null"; Dir::Etc::parts "/dev/null"; APT::Sandbox::User "root";
Acquire::Languages "none"; Acquire::Check-Valid-Until "false";
CONF
export APT_CONFIG="$target/apt/apt.conf"
apt-get -qq update

# What the wanted packages depend on, virtual packages left out: those have no file to download.
wanted="dart-sdk dart-ffi flutter flutter-test flutter-tester flutter-engine-tools flutter-patched-sdk"
[ -z "$linux" ] ||
  wanted="$wanted libflutter-linux-gtk libegl1 libegl-mesa0 libgl1-mesa-dri libgles2 libgl1 libopengl0"
names=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
  --no-replaces --no-enhances $wanted | grep '^[a-z]' | sort -u)
files=$(apt-cache show --no-all-versions $names 2>/dev/null | sed -n 's/^Package: //p' | sort -u)
# Headers of Flutter alone: those of GTK are the system's.
[ -z "$linux" ] || files="$files libflutter-linux-gtk-dev"
(cd "$target/packages" && apt-get -qq download $files)
for package in "$target"/packages/*.deb; do dpkg -x "$package" "$target/root"; done

libraries="$target/root/usr/lib/x86_64-linux-gnu"
dart="$target/root/usr/lib/dart/bin"
engine="$target/root/usr/lib/flutter-engine/linux-x64"
for binary in "$dart"/{dart,dartvm,dartaotruntime,utils/gen_snapshot} \
  "$engine/flutter_tester" "$engine-release/gen_snapshot"; do
  [ -e "$binary" ] || continue
  patchelf --set-interpreter "$libraries/ld-linux-x86-64.so.2" \
    --force-rpath --set-rpath "$libraries" "$binary"
done
"$dart/dart" --version

rm -rf "$target/apt" "$target/packages"
printf 'export LP_DART=%q\nexport LP_FLUTTER_ENGINE=%q\n' "$dart/dart" "$engine" \
  >"$target/environment"
if [ -n "$linux" ]; then
  printf 'export LP_FLUTTER_LINUX=%q\n' "$target/root" >>"$target/environment"
  touch "$target/environment--linux"
fi
