# SPDX-License-Identifier: MIT
# What quickstart and check share; sourced by them.  $top is the tree.

# Packages of the named groups.
packages_of() {
	for group in "$@"; do
		sed -n "s/^$group: *//p" "$top/tools/packages"
	done | tr -s ' \n' ' '
}

missing_packages() {
	for p in $(packages_of "$@"); do
		# shellcheck disable=SC2046
		dpkg-query -W -f='${Status}\n' $(echo "$p" | tr '|' ' ') \
			2>/dev/null | grep -q '^install ok installed' ||
			printf '%s ' "${p%%|*}"
	done
}

# Installs what is missing, quietly; without apt it only says so.
need_packages() {
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "no apt-get here; these must be there:" \
			"$(packages_of "$@")" >&2
		return 0
	fi
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	echo "installing: $missing" >&2
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $sudo apt-get update -qq >&2
	# No service may start by itself because of us.
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install \
		-y -qq --no-install-recommends $missing >&2
}

# Builds in directory $1 with the configure words that follow.
build_in() {
	dir=$1
	shift
	[ -x "$top/configure" ] || (cd "$top" && ./bootstrap) || return 1
	mkdir -p "$dir"
	(
		cd "$dir" || exit 1
		[ -f config.status ] || "$top/configure" -q "$@" || exit 1
		make -s -j "$(nproc)" mcpgate mcpgatectl
	)
}
