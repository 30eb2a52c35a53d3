#!/usr/bin/env bats
# What the library shows to, and wants from, the dynamic linker.

load helper

# rows KIND: the first word of every row of that kind (CALL, TWIN, FOREIGN; a|b: either).
rows() {
  sed -nE "s/^($1)\(([A-Za-z0-9_]+).*/\2/p" "$ROOT/shim/calls.def" | sort
}

names_of_table() {
  rows 'CALL|TWIN|FOREIGN'
}

# dynamic NM_OPTION...: names of the dynamic symbol table, without versions.
dynamic() {
  nm -D "$@" | awk '{ print $NF }' | sed 's/@.*//' | sort
}

# imports FILE: names that it wants from others.
imports() {
  dynamic --undefined-only "$1"
}

@test "the library exports the names of calls.def and nothing else" {
  [[ $(names_of_table | wc -l) -gt 40 ]]
  diff <(names_of_table) <(dynamic --defined-only "$JYTHONSOCK_LIBRARY")
}

@test "every exported name but those of TLS libraries is one that libc exports too" {
  local libc missing
  libc=$(ldd "$JYTHONSOCK_LIBRARY" | awk '$1 == "libc.so.6" { print $3 }')
  missing=$(comm -23 <(rows 'CALL|TWIN') <(dynamic --defined-only "$libc" | uniq))
  [[ -z $missing ]] || { printf 'not in libc: %s\n' "$missing"; return 1; }
}

@test "it needs libc alone" {
  run bash -c 'readelf -d "$1" | sed -n "s/.*(NEEDED).*\[\(.*\)\]/\1/p"' _ "$JYTHONSOCK_LIBRARY"
  [[ $output == libc.so.6 ]]
}

@test "no name that it needs is missing" {
  run ldd -r "$JYTHONSOCK_LIBRARY"
  [[ $status -eq 0 && $output != *'undefined symbol'* && $output != *'not found'* ]]
}

@test "its stack is not executable and its tables are read-only after relocation" {
  run readelf -lW "$JYTHONSOCK_LIBRARY"
  [[ $output =~ GNU_STACK[^$'\n']*' RW ' && $output == *GNU_RELRO* ]]
}

@test "no socket call that real programs import is left out" {
  local file name
  local -a calls=(accept accept4 bind close connect dup dup2 dup3 epoll_ctl fclose fcntl fcntl64 getpeername
    getsockname getsockopt ioctl listen poll __poll_chk ppoll __ppoll_chk pselect read __read_chk readv recv
    __recv_chk recvfrom __recvfrom_chk recvmmsg recvmsg select send sendmmsg sendmsg sendto setsockopt shutdown
    socket socketpair write writev close_range closefrom execve execv execvp execl execlp execle execvpe fexecve
    posix_spawn posix_spawnp system popen)
  local -a files=("$PYTHON" "$(command -v bash)")
  for name in curl nginx redis-server socat openssl perl ruby php node; do
    if command -v "$name" >/dev/null; then
      files+=("$(readlink -f "$(command -v "$name")")")
    fi
  done
  while IFS= read -r file; do
    files+=("$file")
  done < <(for file in "${files[@]}"; do ldd "$file" 2>/dev/null; done |
    awk '$3 ~ /lib(curl|ssl|crypto|uv|event|hiredis|ruby|perl|nghttp2)/ { print $3 }' | sort -u)
  for file in "${files[@]}"; do
    comm -12 <(imports "$file" | sort -u) <(printf '%s\n' "${calls[@]}" | sort) |
      comm -23 - <(names_of_table) | sed "s|^|$file: |"
  done >"$BATS_TEST_TMPDIR/missing"
  cat "$BATS_TEST_TMPDIR/missing"
  [[ ! -s $BATS_TEST_TMPDIR/missing ]]
}
