# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Long steps of ./dev: output in a log file, progress on the screen, the log's end when it fails.
# Sourced by ./dev, which sets build_root.

: "${build_root:?}"
ticker_pid=""

fail() {
  printf '%s\n' "dev: $*" >&2
  exit 1
}

fail_usage() {
  printf '%s\n' "dev: $*" >&2
  exit 2
}

say() {
  printf '%s\n' "$*"
}

# One ./dev at a time installs and builds in this tree: ninja has no lock of its own.
lock_tree() {
  mkdir -p "$build_root"
  exec 9>"$build_root/.lock"
  if ! flock --nonblock 9; then
    say "another ./dev is at work in this tree; waiting for it"
    flock 9
  fi
}

unlock_tree() {
  exec 9>&-
}

# The last line of a log without control characters, cut to the terminal.
last_line() {
  local width="$1" line
  line="$(tail -c 2000 -- "$2" 2>/dev/null | tr '\r' '\n' | tr -d '\000-\011\013-\037' | grep -v '^ *$' | tail -n 1 || true)"
  printf '%s' "${line:0:$width}"
}

# Shows that a step is alive: a line that is rewritten on a terminal, else a line every 15 seconds.
tick() {
  local title="$1" log="$2" start="$SECONDS" elapsed width
  trap 'exit 0' TERM
  width=$(($(tput cols 2>/dev/null || echo 100) - ${#title} - 12))
  ((width > 10)) || width=10
  while kill -0 "$$" 2>/dev/null; do
    sleep 1 &
    wait "$!"
    elapsed=$((SECONDS - start))
    if [[ -t 1 ]]; then
      printf '\r\033[K%s: %d s %s' "$title" "$elapsed" "$(last_line "$width" "$log")"
    elif ((elapsed % 15 == 0)); then
      say "$title: $elapsed s: $(last_line 100 "$log")"
    fi
  done
}

stop_ticker() {
  if [[ -n "$ticker_pid" ]]; then
    kill "$ticker_pid" 2>/dev/null || true
    wait "$ticker_pid" 2>/dev/null || true
    ticker_pid=""
  fi
}
trap stop_ticker EXIT

# step TITLE LOG_NAME COMMAND… runs the command in the foreground, so that Ctrl-C reaches it.
step() {
  local title="$1" log="$build_root/log/$2.log" start="$SECONDS" status=0
  shift 2
  mkdir -p "$build_root/log"
  : >"$log"
  tick "$title" "$log" 9>&- &
  ticker_pid="$!"
  "$@" >"$log" 2>&1 9>&- </dev/null || status="$?"
  stop_ticker
  if [[ -t 1 ]]; then
    printf '\r\033[K'
  fi
  if ((status != 0)); then
    # The compiler's first complaint says more than ninja's last line.
    grep -n -m 12 -E '(error|Error|FAILED|undefined reference)' "$log" >&2 || true
    printf '%s\n' '--- end of the log' >&2
    tail -n 30 -- "$log" >&2
    fail "$title failed after $((SECONDS - start)) s (exit $status); whole log: $log"
  fi
  say "$title: done in $((SECONDS - start)) s"
}
