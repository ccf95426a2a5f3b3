# SPDX-License-Identifier: MIT
# What quickstart, check and fuzz share; sourced by them.  $top is the tree.

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

# The files of a checkout, or those that a tarball came with; what configure
# and make have made beside them stays behind.
copy_tree() {
	if [ ! -e "$top/.git" ]; then
		make -s -C "$top" distdir distdir="$1"
		return
	fi
	mkdir -p "$1"
	(cd "$top" && git ls-files -z -co --exclude-standard |
		tar cf - --null -T -) | tar xf - -C "$1"
}

# $src: the sources, with a configure of this age and none of its results: a
# tree that is configured itself cannot be built elsewhere, its copy in $1 can.
prepare() {
	src=$top
	if [ -e "$top/config.status" ]; then
		src=$1
		rm -rf "${src:?}" && copy_tree "$src" || return 1
	fi
	[ -x "$src/configure" ] && [ -z "$(cd "$src" && find configure.ac \
		Makefile.am src/local.am tests/local.am m4/*.m4 \
		-newer configure)" ] || (cd "$src" && ./bootstrap)
}

# Configures here, unless that was done for these sources.
configure_in() {
	[ "$(sed -n 's/^abs_srcdir = //p' Makefile 2>/dev/null)" = "$src" ] ||
		"$src/configure" -q "$@"
}

# Builds in directory $1 with the configure words that follow.
build_in() {
	mkdir -p "$1" && dir=$(cd "$1" && pwd) || return 1
	shift
	prepare "$dir/tree" || return 1
	(
		cd "$dir" || exit 1
		configure_in "$@" || exit 1
		make -s -j "$(nproc)" mcpgate mcpgatectl
	)
}
