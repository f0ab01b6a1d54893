#!/usr/bin/env bash
# Executes the Dockerfile where there is no container engine: each stage is a Debian root made by debootstrap, each RUN
# is run in it, and the image's command is started as its USER on a root file system that is mounted read-only.
#
#   scripts/prove-dockerfile.sh          as root; needs debootstrap, unshare, chroot, setpriv, node and npm
#
# The build stage's base image is Debian with Node: the machine's own node is put there. PROVE_MIRROR is the Debian mirror.
# PROVE_BASE names a root that debootstrap made before; without it one is made, and removed at the end.
# The container has the host's network, so that the ports of the image's configuration must be free.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mirror=${PROVE_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d /var/tmp/arkwatch-image.XXXXXX)
image_pid=
cleanup() {
  if [ -n "$image_pid" ] && kill -0 "$image_pid" 2>/dev/null; then kill -KILL "$image_pid"; fi
  rm -rf --one-file-system "$work"
}
trap cleanup EXIT
fail() { echo "prove-dockerfile: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "must run as root"

say() { printf '%s\n' "== $*"; }

# --- base images -----------------------------------------------------------------------------------------------------
base=${PROVE_BASE:-$work/base}
if [ ! -e "$base/etc/debian_version" ]; then
  say "debootstrap bookworm from $mirror"
  debootstrap --variant=minbase bookworm "$base" "$mirror" >"$work/debootstrap.log" 2>&1 ||
    { tail -20 "$work/debootstrap.log" >&2; fail "debootstrap failed"; }
fi

with_node() { # puts the machine's node and npm where the node image has them
  mkdir -p "$1/usr/local/lib/node_modules"
  cp "$(readlink -f "$(command -v node)")" "$1/usr/local/bin/node"
  cp -a "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$1/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"
  ldd "$(readlink -f "$(command -v node)")" | grep -o '/[^ ]*' | while read -r library; do
    [ -e "$1$library" ] || install -D "$(readlink -f "$library")" "$1$library"
  done
}
with_network() { # names and certificates of the host, as an engine's network would give
  cp /etc/resolv.conf /etc/hosts "$1/etc/"
  mkdir -p "$1/etc/ssl" && cp -aL /etc/ssl/certs "$1/etc/ssl/"
  mapfile -t network < <(env | grep -iE '^((https?|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))=')
  network+=("npm_config_cafile=$(npm config get cafile 2>/dev/null | sed 's/^null$//')")
}

# --- the Dockerfile --------------------------------------------------------------------------------------------------
declare -A args=() stages=()
network=() environment=() user=0:0 workdir=/ command_json= entrypoint_json= health_json= volumes_json= stage= rootfs=

expand() { # ${NAME} of a build argument
  local text=$1 name
  for name in "${!args[@]}"; do text=${text//\$\{$name\}/${args[$name]}}; done
  printf '%s' "$text"
}
begin_stage() { # image [AS name]
  local image name
  read -r image _ name <<<"$1"
  stage=${name:-final} rootfs=$work/stage-${name:-final}
  environment=() user=0:0 workdir=/
  say "stage $stage from $image"
  cp -a "$base" "$rootfs"
  case $image in
    node:*) with_node "$rootfs"; with_network "$rootfs" ;;
    debian:bookworm*) ;;
    *) fail "no stand-in for the image $image" ;;
  esac
  stages[$stage]=$rootfs
}
ignored() { # true when .dockerignore keeps a path of the context out: all but the named ones
  local path=$1 line
  while read -r line; do
    [[ $line == '!'* ]] || continue
    line=${line#!}
    if [[ $path == "$line" || $path == "$line"/* ]]; then return 1; fi
  done <"$root/.dockerignore"
  return 0
}
copy() { # [--from=stage] source... target
  local from=$root words=() target source
  read -ra words <<<"$1"
  if [[ ${words[0]} == --from=* ]]; then from=${stages[${words[0]#--from=}]}; words=("${words[@]:1}"); fi
  target=${words[-1]}
  unset 'words[-1]'
  [[ $target == /* ]] || target=$workdir/$target
  for source in "${words[@]}"; do
    if [ "$from" = "$root" ] && ignored "$source"; then fail "COPY $source: .dockerignore keeps it out"; fi
    [ -e "$from/$source" ] || fail "COPY $source: not there"
    if [[ $target == */ ]]; then
      mkdir -p "$rootfs$target"
      cp -a --no-preserve=ownership "$from/$source" "$rootfs$target"
    elif [ -d "$from/$source" ]; then
      mkdir -p "$rootfs$target"
      cp -a --no-preserve=ownership "$from/$source/." "$rootfs$target/"
    else
      mkdir -p "$rootfs$(dirname "$target")"
      cp -a --no-preserve=ownership "$from/$source" "$rootfs$target"
    fi
  done
}
run_step() {
  unshare --mount --pid --fork chroot "$rootfs" /bin/sh -c 'mount -t proc proc /proc && [ -c /dev/null ] && exec env -i "$@"' - \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "${network[@]}" "${environment[@]}" \
    /bin/sh -c "cd '$workdir' && $1"
}

steps=0
while IFS= read -r line; do
  instruction=${line%% *}
  rest=$(expand "${line#* }")
  say "$instruction $rest"
  steps=$((steps + 1))
  case $instruction in
    ARG) args[${rest%%=*}]=${rest#*=} ;;
    FROM) begin_stage "$rest" ;;
    WORKDIR) workdir=$rest; mkdir -p "$rootfs$workdir" ;;
    COPY) copy "$rest" ;;
    RUN) run_step "$rest" ;;
    ENV) read -ra words <<<"$rest"; environment+=("${words[@]}") ;;
    USER) user=$rest ;;
    VOLUME) volumes_json=$rest ;;
    HEALTHCHECK) health_json=${rest#*CMD } ;;
    ENTRYPOINT) entrypoint_json=$rest ;;
    CMD) command_json=$rest ;;
    EXPOSE | STOPSIGNAL) ;;
    *) fail "instruction $instruction is not known here" ;;
  esac
done < <(sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' "$root/Dockerfile" | sed -e ':a' -e '/\\$/N; s/\\\n[[:space:]]*//; ta')
rm -rf --one-file-system "$work/base" "${stages[build]}"

# --- the container ---------------------------------------------------------------------------------------------------
words_of() { node -e 'for (const word of JSON.parse(process.argv[1])) console.log(word)' "$1"; }
mapfile -t command < <(words_of "$entrypoint_json"; words_of "$command_json")
mapfile -t health < <(words_of "$health_json")
mapfile -t volumes < <(words_of "$volumes_json")
[ "${user%%:*}" != 0 ] || fail "the image runs as root"

prepare='
  set -e
  rootfs=$1; shift
  mount --make-rprivate /
  mount --bind "$rootfs" "$rootfs"
  for volume in '"${volumes[*]}"'; do
    mkdir -p "$rootfs.volumes$volume"
    [ -e "$rootfs.volumes$volume/.filled" ] || { cp -a "$rootfs$volume/." "$rootfs.volumes$volume/"; chown --reference="$rootfs$volume" "$rootfs.volumes$volume"; touch "$rootfs.volumes$volume/.filled"; }
    mount --bind "$rootfs.volumes$volume" "$rootfs$volume"
  done
  mount -t proc proc "$rootfs/proc"
  mount -t tmpfs tmpfs "$rootfs/tmp"
  mount -o remount,bind,ro "$rootfs"
  exec chroot "$rootfs" /usr/bin/setpriv --reuid="${USER_GROUP%%:*}" --regid="${USER_GROUP##*:}" --clear-groups --no-new-privs \
    --bounding-set=-all --inh-caps=-all /bin/sh -c "cd '"$workdir"' && exec \"\$@\"" - "$@"'
become_container() { # command...: replaces this shell
  exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin USER_GROUP="$user" HOME=/var/lib/arkwatch \
    "${environment[@]}" unshare --mount /bin/sh -c "$prepare" - "$rootfs" "$@"
}
in_container() { (become_container "$@"); }

say "size: $(du -sm --one-file-system "$rootfs" | cut -f1) MB with Debian; /app $(du -sm "$rootfs/app" | cut -f1) MB, bun $(du -sm "$rootfs/usr/local/bin/bun" | cut -f1) MB"
in_container sh -c '[ "$(id -u):$(id -g)" = "'"$user"'" ]' || fail "runs as another user"
if in_container sh -c 'touch /app/x 2>/dev/null || touch /usr/x 2>/dev/null || touch /etc/x 2>/dev/null'; then fail "the root file system can be written"; fi
in_container touch /var/lib/arkwatch/writable || fail "the data volume cannot be written"
say "runs as $user, root file system read-only, data volume writable"

say "${command[*]}"
become_container "${command[@]}" >"$work/out.log" 2>&1 &
image_pid=$!
started=$(date +%s%N)
until in_container "${health[@]}" >"$work/health.log" 2>&1; do
  kill -0 "$image_pid" 2>/dev/null || { cat "$work/out.log" >&2; fail "ended at start"; }
  [ $(($(date +%s%N) - started)) -lt 30000000000 ] || { cat "$work/out.log" "$work/health.log" >&2; fail "health check did not pass in 30 s"; }
done
say "health check passes after $((($(date +%s%N) - started) / 1000000)) ms: ${health[*]}"
for path in livez readyz health metrics; do
  curl -fsS "http://127.0.0.1:8080/$path" -o "$work/answer" || fail "/$path does not answer"
done
say "/livez /readyz /health /metrics answer"
grep -q ' 00000000:1F90 00000000:0000 0A ' /proc/net/tcp || fail "the listener is not on 0.0.0.0:8080"
say "listens on 0.0.0.0:8080"
grep '^Uid:' "/proc/$image_pid/status" | grep -qw "${user%%:*}" || fail "the process runs as another user"
kill -TERM "$image_pid"
code=0
wait "$image_pid" || code=$?
image_pid=
[ "$code" = 0 ] || { cat "$work/out.log" >&2; fail "SIGTERM gave exit code $code"; }
say "SIGTERM drains and exits 0"
if in_container "${health[@]}" >/dev/null 2>&1; then fail "the health check passes without a process"; fi
say "health check fails when nothing runs"
echo "Dockerfile proved: $steps instructions"
