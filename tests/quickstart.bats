#!/usr/bin/env bats
# What the README promises: the two commands, the example, make's targets.

load helper

# The code block after a line of the README that ends with this text.
readme_block() {
  local after=$1
  # shellcheck disable=SC2016  # Markdown's backquotes
  sed -n "/$after/,/^\`\`\`\$/p" "$ROOT/README.md" | sed '1,/^```/d; /^```$/d'
}

@test "the README's example prints what the README says, but for the port" {
  readme_block 'ports.py`:$' >"$BATS_TEST_TMPDIR/ports.py"
  run "$PYTHON" "$BATS_TEST_TMPDIR/ports.py"
  [[ $output =~ ^'tell the client to use port '[1-9] ]]
  run shim "$PYTHON" "$BATS_TEST_TMPDIR/ports.py"
  printf '%s\n' "$output"
  [[ $output == 'tell the client to use port 0
but we listen on another: True' ]]
  while read -r line; do
    grep -qF -- "    $line" "$ROOT/README.md"
  done <<<"$output"
}

@test "quickstart runs a program under the library and passes its exit status on" {
  run "$ROOT/scripts/quickstart" sh -c 'grep -c libjythonsock /proc/self/maps >/dev/null && exit 7'
  [[ $status -eq 7 ]]
}

@test "quickstart keeps what is in LD_PRELOAD already" {
  # shellcheck disable=SC2016  # for the inner shell
  LD_PRELOAD=libm.so.6 run "$ROOT/scripts/quickstart" sh -c 'echo "$LD_PRELOAD"'
  [[ $output == *libjythonsock.so:libm.so.6 ]]
}

@test "the tour shows every cell as this system behaves, and both columns differ where Jython does" {
  run "$ROOT/scripts/quickstart"
  printf '%s\n' "$output"
  [[ $status -eq 0 ]]
  local row
  while read -r row; do
    grep -Eq -- "$row" <<<"$output"
  done <<'ROWS'
port 0, then ask .*\| a real port +\| port 0 +\|
that is taken, then listen .*\| bind: EADDRINUSE +\| listen: EADDRINUSE
shutdown a listener.*\| ECONNREFUSED +\| ok
again after a refused.*\| ok +\| EINVAL
settimeout\(0\).*\| EAGAIN +\| timeout
setblocking\(False\).*\| EAGAIN +\| EAGAIN
SO_REUSEPORT.*\| ok +\| ENOPROTOOPT
SO_RCVBUF.*\| 40000 +\| 20000
the source .*\| \(127.0.0.1, port\) +\| \(None, -1\)
peer that has gone.*\| EPIPE +\| ECONNRESET
fixed port.*\| HTTP 200 +\| HTTP 200
socat.*\| listens +\| ENOPROTOOPT
self-signed.*\| HTTP 200 +\| certificate refused
ROWS
}

@test "make install puts the library where PREFIX and DESTDIR say, and it works there" {
  make -s -C "$ROOT" install PREFIX=/opt/js DESTDIR="$BATS_TEST_TMPDIR/root"
  LD_PRELOAD=$BATS_TEST_TMPDIR/root/opt/js/lib/libjythonsock.so run "$PYTHON" -c \
    'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
  [[ $output == 0 ]]
}

@test "make clean leaves what git knows, and nothing else of ours" {
  cp -r "$ROOT" "$BATS_TEST_TMPDIR/copy"
  make -s -C "$BATS_TEST_TMPDIR/copy" BUILD=build/again
  make -s -C "$BATS_TEST_TMPDIR/copy" clean
  [[ ! -e $BATS_TEST_TMPDIR/copy/build ]]
}
