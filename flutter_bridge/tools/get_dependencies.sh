#!/usr/bin/env bash
# Fetches the headers that the C++ runtime is compiled with:
#
#   flutter_bridge/tools/get_dependencies.sh DIR     then   cmake -DLP_DEPENDENCIES_DIR=DIR ...
#
# On Debian and its kin they come as packages through the mirror that apt uses already: downloaded
# and unpacked under DIR, nothing is installed, no root needed. ONNX Runtime is taken from the suite
# trixie, the first one that has it. A second call with a finished DIR does nothing.
#
# Elsewhere, put these files under DIR/include yourself (macOS: `brew install nlohmann-json doctest`
# has two of them):
#   nlohmann/json.hpp              nlohmann-json 3.11 or newer    MIT
#   stb_image.h                    stb_image 2.27 or newer        public domain or MIT
#   doctest/doctest.h              doctest 2.4, tests only        MIT
#   onnxruntime_{c,cxx}_api.h ...  ONNX Runtime 1.21 or newer     MIT; in its Android AAR (headers/),
#                                  iOS pod and release archives (include/)
set -euo pipefail

target=$(realpath -m "${1:?usage: get_dependencies.sh DIR}")
[ -e "$target/complete" ] && exit 0
command -v apt-get >/dev/null || {
  echo "get_dependencies.sh: apt-get is not here; the head of this file lists what to put in $target/include" >&2
  exit 1
}

sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
  grep -v -e security -e updates | head -1)
mirror=${sources%% *}
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

mkdir -p "$target"/packages "$target"/apt/{lists/partial,cache/archives/partial,etc}
: >"$target/apt/status"
for suite in "$release" trixie; do
  echo "deb [signed-by=$keyring] $mirror $suite main"
done | sort -u >"$target/apt/etc/sources.list"
cat >"$target/apt/apt.conf" <<CONF
Dir::State "$target/apt"; Dir::State::Lists "$target/apt/lists"; Dir::State::status "$target/apt/status";
Dir::Cache "$target/apt/cache"; Dir::Etc "$target/apt/etc"; Dir::Etc::sourcelist "$target/apt/etc/sources.list";
Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "-"; APT::Sandbox::User "root";
CONF
export APT_CONFIG="$target/apt/apt.conf"
apt-get -qq update
(cd "$target/packages" &&
  apt-get -qq download nlohmann-json3-dev libstb-dev doctest-dev libonnxruntime-dev)
for package in "$target"/packages/*.deb; do dpkg -x "$package" "$target"; done
rm -rf "$target/apt" "$target/packages"
touch "$target/complete"
