# Will the shim reach a program?  jythonsock doctor, and the explanation of run.
# shellcheck shell=bash disable=SC2154 # library, tables and share are set by the launcher

# bytes FILE OFFSET COUNT: as decimal numbers, little end first, put together.
number_at() {
  local file=$1 offset=$2 count=$3
  od -An -v -t "u$count" -j "$offset" -N "$count" --endian=little "$file" 2>/dev/null | tr -d ' '
}

is_elf() {
  [[ $(od -An -t x1 -N 4 "$1" 2>/dev/null | tr -d ' ') == 7f454c46 ]]
}

# Machine and class: "62/2" is x86-64.
elf_machine() {
  printf '%s/%s' "$(number_at "$1" 18 2)" "$(number_at "$1" 4 1)"
}

# Does the ELF file ask for a dynamic loader (PT_INTERP)?  64-bit files.
elf_is_dynamic() {
  local file=$1 table size count i
  table=$(number_at "$file" 32 8) size=$(number_at "$file" 54 2) count=$(number_at "$file" 56 2)
  for ((i = 0; i < ${count:-0}; i++)); do
    [[ $(number_at "$file" $((table + i * size)) 4) != 3 ]] || return 0
  done
  return 1
}

is_go() {
  LC_ALL=C grep -qa -m 1 -e 'Go build ID:' -e 'Go buildinf:' "$1"
}

# unreached FILE: print why the shim would not be loaded into it; false: it would.
unreached() {
  local file=$1 line interpreter
  if ! is_elf "$file"; then
    IFS= read -rn 256 line <"$file" 2>/dev/null || :
    [[ $line == '#!'* ]] || return 1
    read -r interpreter _ <<<"${line#\#!}"
    if [[ $interpreter == */env ]]; then
      read -r _ interpreter _ <<<"${line#\#!}"
      interpreter=$(type -P "$interpreter" 2>/dev/null)
    fi
    [[ -n $interpreter && -r $interpreter ]] && line=$(unreached "$(realpath "$interpreter")") || return 1
    printf 'it is a script for %s, and of that: %s\n' "$interpreter" "$line"
  elif [[ $(elf_machine "$file") != "$(elf_machine "$library")" ]]; then
    printf 'it is for another architecture than the library (ELF machine/class %s, the library has %s)\n' \
      "$(elf_machine "$file")" "$(elf_machine "$library")"
  elif ! elf_is_dynamic "$file"; then
    if is_go "$file"; then
      printf 'it is a static Go program: it has no dynamic loader, and Go makes its system calls without libc\n'
    else
      printf 'it is statically linked: it has no dynamic loader that could preload a library\n'
    fi
  elif [[ -u $file || -g $file ]]; then
    printf 'it is setuid or setgid: the loader ignores LD_PRELOAD\n'
  elif [[ -n $(getcap "$file" 2>/dev/null || /sbin/getcap "$file" 2>/dev/null) ]]; then
    printf 'it has file capabilities: the loader ignores LD_PRELOAD\n'
  elif is_go "$file"; then
    printf 'it is a Go program: it makes its system calls without libc\n'
  else
    return 1
  fi
}

# answer MARK TEXT EVIDENCE
answer() {
  printf '%-4s %s\n' "$1" "$2"
  [[ -z ${3:-} ]] || printf '%s\n' "$3" | sed 's/^/       /'
}

doctor_library() {
  local output
  if [[ ! -r $library ]]; then
    answer no 'the library cannot be read' "$library"
    return 1
  fi
  if [[ $library == *[\ :]* ]]; then
    answer no 'the path of the library has a blank or a colon, which LD_PRELOAD cannot carry' "$library"
    return 1
  fi
  # A bad setting is refused only by a library that is really loaded.
  output=$(LD_PRELOAD=$library JYTHONSOCK_PROFILE=doctor "$(type -P true)" 2>&1)
  if (($? == 125)); then
    answer ok 'the library is loadable here' "$library"
  else
    answer no 'the library is not loadable here' "${output:-$library}"
    return 1
  fi
}

doctor_tools() {
  local tool
  for tool in jq:'reports, explain, rules' addr2line:'file and line of native code' getcap:'seeing file capabilities'; do
    if type -P "${tool%%:*}" >/dev/null || [[ -x /sbin/${tool%%:*} ]]; then
      answer ok "${tool%%:*} is installed (${tool#*:})" "$(type -P "${tool%%:*}")"
    else
      answer no "${tool%%:*} is not installed (${tool#*:})"
    fi
  done
}

# program_of CMD: the file that would be executed, scripts followed.
program_of() {
  local file line
  file=$(realpath "$(type -P "$1")")
  while ! is_elf "$file"; do
    IFS= read -rn 256 line <"$file" 2>/dev/null || return 1
    [[ $line == '#!'* ]] || return 1
    read -r file line _ <<<"${line#\#!}"
    [[ $file != */env ]] || file=$(type -P "$line") || return 1
    file=$(realpath "$file")
  done
  printf '%s\n' "$file"
}

doctor_reach() {
  local command=$1 file reason
  file=$(type -P "$command") || {
    answer no "there is no program '$command'"
    return 1
  }
  if reason=$(unreached "$(realpath "$file")"); then
    answer no "the shim does not reach $command" "$reason"
    return 1
  fi
  answer ok "the shim reaches $command" "$(realpath "$file"): dynamically linked, not privileged"
}

doctor_libssl() {
  local program=$1 found
  if found=$(ldd "$program" 2>/dev/null | grep -E 'libssl\.'); then
    answer ok 'its libssl is a shared library: the TLS rules reach it' "$found"
  elif LC_ALL=C grep -qa -m 1 'OpenSSL 3\.\|OpenSSL 1\.[01]' "$program"; then
    answer no 'it has an OpenSSL of its own, linked statically: the TLS rules do not reach it' "$program"
  else
    answer ok 'it has no libssl from the start; one that a module brings is reached' "$program"
  fi
}

doctor_python() {
  local command=$1 program=$2 modules
  [[ ${program##*/} == *python* ]] || return 0
  # The interpreter itself says where its modules are, and whether the adapter took to it.
  # shellcheck disable=SC2016
  modules=$("$program" -c 'import sys, _socket
print("CPython %d.%d.%d, _socket in %s" % (sys.version_info[:3] + (getattr(_socket, "__file__", "the program itself"),)))
try:
    import _ssl
    print("_ssl in %s" % getattr(_ssl, "__file__", "the program itself"))
except ImportError:
    print("no _ssl")' 2>&1) || modules="$command did not run: $modules"
  answer ok 'its Python' "$modules"
  modules=$(mktemp)
  LD_PRELOAD=$library JYTHONSOCK_REPORT=$modules JYTHONSOCK_RULES=all=report "$program" -c '
import socket
s = socket.socket()
s.settimeout(0)' >/dev/null 2>&1
  if grep -q '"call":"settimeout"' "$modules" || ! grep -q '"reported":\[.*"zero-timeout"' "$modules"; then
    answer ok 'settimeout(0) and setblocking(False) are told apart' "$(grep -m 1 '"call":"settimeout"' "$modules" | cut -c 1-160)"
  else
    answer no 'settimeout(0) and setblocking(False) are not told apart' "$(grep '"note"' "$modules")"
  fi
  rm -f "$modules"
}

command_doctor() {
  local failed=0 program
  (($# <= 1)) || fail 'doctor takes one command at most'
  doctor_library || failed=1
  doctor_tools
  if (($#)); then
    if doctor_reach "$1"; then
      program=$(program_of "$1")
      if [[ -n $program ]]; then
        doctor_libssl "$program"
        doctor_python "$1" "$program"
      fi
    else
      failed=1
    fi
  fi
  return "$failed"
}
