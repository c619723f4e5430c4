# Shared by the scripts of this folder; sourced, not run. Sets $root and changes to it.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root"
cache="$root/.cache"
emulator="$cache/tandem"
mkdir -p "$cache"

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# Runs a command as root.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    fail "root or sudo is needed for: $*"
  fi
}

missing_packages() {
  local wanted
  wanted="$(grep -v '^#' tools/packages.txt)"
  # dpkg-query fails for names it has never heard of; those are missing, too.
  # shellcheck disable=SC2086
  dpkg-query -W -f='${Package} ${Status}\n' $wanted 2> /dev/null |
    awk '/ install ok installed$/ {print $1}' |
    sort | comm -13 - <(sort <<< "$wanted")
}

# Installs what packages.txt lists and this machine lacks.
install_packages() {
  local stamp="$cache/packages.stamp" missing
  if cmp -s tools/packages.txt "$stamp" && [ "$stamp" -nt /var/lib/dpkg/status ]; then
    return
  fi
  missing="$(missing_packages)"
  if [ -n "$missing" ]; then
    say "installing $(wc -w <<< "$missing") Debian packages: $(xargs <<< "$missing")"
    as_root apt-get update
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install --yes --no-install-recommends $missing
  fi
  cp tools/packages.txt "$stamp"
}

# Changes whenever a file of the source tree does.
source_fingerprint() {
  find . -path ./.git -prune -o -path ./.cache -prune -o -path './bazel-*' -prune -o \
    -type f -printf '%p %s %T@\n' | sort | sha256sum
}

# Builds the emulator, unless nothing has changed since.
build_emulator() {
  local stamp="$cache/build.stamp" now
  now="$(source_fingerprint)"
  if [ -x "$emulator" ] && [ "$now" = "$(cat "$stamp" 2> /dev/null)" ]; then
    return
  fi
  say "building the emulator (the first time: some minutes)"
  bazel build --config=opt //frontend:tandem
  cp -f --remove-destination bazel-bin/frontend/tandem "$emulator"
  echo "$now" > "$stamp"
}

# Fetches and unpacks a Debian kernel; nothing is installed. $1: a package that depends on the
# kernel's, $2: the file to make.
fetch_kernel() {
  local package folder="$cache/kernels"
  if [ -s "$2" ]; then
    return
  fi
  package="$(apt-cache depends "$1" 2> /dev/null | awk '/Depends: linux-image-/ {print $2; exit}')"
  if [ -z "$package" ]; then
    as_root apt-get update
    package="$(apt-cache depends "$1" | awk '/Depends: linux-image-/ {print $2; exit}')"
  fi
  say "fetching Debian's kernel $package"
  mkdir -p "$folder"
  # Downloads as the caller: apt's own user could not write here.
  (cd "$folder" && apt-get download -o APT::Sandbox::User=root "$package")
  dpkg-deb --fsys-tarfile "$folder/${package}"_*.deb |
    tar -x -O --wildcards './boot/vmlinuz-*' > "$2.part"
  rm "$folder/${package}"_*.deb
  mv "$2.part" "$2"
}

# The demonstration guest, which tests boot, too. Sets $guests.
guests="$cache/guests"
prepare_guests() {
  local initramfs="$guests/initramfs.gz"
  mkdir -p "$guests"
  fetch_kernel linux-image-cloud-amd64 "$guests/vmlinuz-cloud"
  if [ ! -s "$initramfs" ] || [ tools/guest-init -nt "$initramfs" ] ||
    [ tools/make-initramfs -nt "$initramfs" ]; then
    say "packing the guest's initramfs"
    tools/make-initramfs "$initramfs"
  fi
}
