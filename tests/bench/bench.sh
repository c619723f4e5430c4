#!/bin/bash
# Started by `bazel run -c opt //tests/bench -- OPTIONS`: fetches the guest and starts the driver.
set -euo pipefail

here="$(dirname "$(realpath "${BASH_SOURCE[0]}")")"
runfiles="$PWD" # where bazel run starts its program
# shellcheck source=tools/lib.sh
source "$here/../../tools/lib.sh"

install_for() {
  command -v "$1" > /dev/null && return
  say "installing Debian's package $2"
  as_root apt-get update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$2"
}

case " $* " in
  *" none "* | *"=none "*) ;;
  *) install_for qemu-system-x86_64 qemu-system-x86 ;;
esac
install_for python3 python3
install_for cpio cpio
prepare_guests
cd "${BUILD_WORKING_DIRECTORY:-$root}" # file names in options are the caller's
exec python3 -B "$here/driver/main.py" "$root" \
  "$runfiles/tests/bench/guest/bench" "$runfiles/frontend/tandem" "$@"
