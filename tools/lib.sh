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

# $1: the list.
missing_packages() {
  local wanted
  wanted="$(grep -v '^#' "$1" | sort)"
  # dpkg-query fails for names it has never heard of; those are missing, too.
  # shellcheck disable=SC2086
  { dpkg-query -W -f='${Package} ${Status}\n' $wanted 2> /dev/null || true; } |
    awk '/ install ok installed$/ {print $1}' |
    sort | comm -13 - <(sort <<< "$wanted")
}

# Installs what a list names and this machine lacks. $1: the list, if it is not packages.txt.
install_packages() {
  local list="${1:-tools/packages.txt}" stamp missing
  stamp="$cache/$(basename "$list" .txt).stamp"
  if cmp -s "$list" "$stamp" && [ "$stamp" -nt /var/lib/dpkg/status ]; then
    return
  fi
  missing="$(missing_packages "$list")"
  if [ -n "$missing" ]; then
    say "installing $(wc -w <<< "$missing") Debian packages: $(xargs <<< "$missing")"
    as_root apt-get update
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install --yes --no-install-recommends $missing
  fi
  cp "$list" "$stamp"
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

# Downloads a Debian package and unpacks one file of it; nothing is installed. APT_CONFIG may name
# another configuration. $1: the package, $2: a pattern for the file, $3: the file to make.
fetch_file() (
  if [ -s "$3" ]; then
    return
  fi
  say "fetching Debian's package $1"
  folder="$(mktemp -d "$cache/fetch.XXXXXX")"
  trap 'rm -rf "$folder"' EXIT
  # Downloads as the caller: apt's own user could not write here.
  (cd "$folder" && apt-get download -o APT::Sandbox::User=root "$1") || return
  dpkg-deb --fsys-tarfile "$folder"/*.deb | tar -x -O --wildcards "$2" > "$3.part" || return
  mv "$3.part" "$3"
)

# The package with the kernel that another one depends on; empty if it is not known.
kernel_package() {
  (apt-cache depends "$1" 2> /dev/null || true) |
    awk '/Depends: linux-image-/ && !count++ {print $2}'
}

# $1: a package that depends on the kernel's, $2: the file to make.
fetch_kernel() {
  local package
  if [ -s "$2" ]; then
    return
  fi
  package="$(kernel_package "$1")"
  if [ -z "$package" ]; then
    as_root apt-get update
    package="$(kernel_package "$1")"
  fi
  [ -n "$package" ] || return
  fetch_file "$package" './boot/vmlinuz-*' "$2"
}

# $1: the file to make, further arguments go to make-initramfs.
pack_initramfs() {
  local output="$1"
  if [ ! -s "$output" ] || [ tools/guest-init -nt "$output" ] ||
    [ tools/make-initramfs -nt "$output" ]; then
    say "packing the guest's initramfs"
    tools/make-initramfs "$@"
  fi
}

# The demonstration guest, which tests boot, too. Sets $guests.
guests="$cache/guests"
prepare_guests() {
  mkdir -p "$guests"
  fetch_kernel linux-image-cloud-amd64 "$guests/vmlinuz-cloud"
  pack_initramfs "$guests/initramfs.gz"
}

# Debian's 32-bit kernel without PAE, and busybox for it. apt gets an index and a configuration of
# its own: the architectures that this system installs for stay as they are.
prepare_i386_guest() (
  local apt="$cache/apt-i386"
  if [ ! -s "$guests/vmlinuz-686" ] || [ ! -s "$guests/busybox-i386" ]; then
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : > "$apt/status"
    cat > "$apt/apt.conf" << END
APT::Architecture "i386";
APT::Architectures { "i386"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
END
    export APT_CONFIG="$apt/apt.conf"
    if [ -z "$(kernel_package linux-image-686)" ]; then
      say "reading Debian's index for i386"
      apt-get update || say "not all of the index could be read"
    fi
    fetch_file "$(kernel_package linux-image-686)" './boot/vmlinuz-*' "$guests/vmlinuz-686" || return
    fetch_file busybox-static './bin/busybox' "$guests/busybox-i386" || return
    chmod +x "$guests/busybox-i386"
  fi
  pack_initramfs "$guests/initramfs-i386.gz" "$guests/busybox-i386"
)

# A bootable CD-ROM with the demonstration guest; its GRUB and kernel talk to the serial port.
prepare_iso() (
  iso="$guests/grub.iso"
  if [ "$iso" -nt "$guests/initramfs.gz" ] && [ "$iso" -nt "$guests/vmlinuz-cloud" ]; then
    return
  fi
  say "making a bootable CD-ROM image"
  tree="$(mktemp -d "$cache/iso.XXXXXX")"
  trap 'rm -rf "$tree"' EXIT
  mkdir -p "$tree/boot/grub"
  cp "$guests/vmlinuz-cloud" "$tree/boot/vmlinuz"
  cp "$guests/initramfs.gz" "$tree/boot/initrd.gz"
  cat > "$tree/boot/grub/grub.cfg" << 'END'
serial --unit=0 --speed=115200
terminal_output serial
linux /boot/vmlinuz console=ttyS0 panic=-1 run=uname_-m
initrd /boot/initrd.gz
boot
END
  grub-mkrescue --output="$iso.part" "$tree" > "$cache/iso.log" 2>&1 || return
  mv "$iso.part" "$iso"
)

# All guests of the tests. A test whose guest could not be had is skipped.
prepare_test_guests() {
  prepare_guests
  fetch_kernel linux-image-amd64 "$guests/vmlinuz-amd64" || say "no standard kernel: not tested"
  fetch_file memtest86+ './boot/memtest86+x64.bin' "$guests/memtest.bin" ||
    say "no memtest86+: not tested"
  prepare_i386_guest || say "no i386 kernel: not tested"
  prepare_iso || say "no CD-ROM image ($cache/iso.log): not tested"
}
