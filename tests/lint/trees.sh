#!/bin/sh
# SPDX-License-Identifier: MIT
# trees -- quickstart, check and fuzz build elsewhere, also when somebody has
# configured the tree itself
. "$(dirname "$0")/lint.inc"
lint_top=$top
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
dir=$(cd "$dir" && pwd)

# A tree that cannot be built elsewhere once it is configured, as ours.
top="$dir/our tree"
mkdir -p "$top/src" "$top/tests" "$top/m4"
cd "$top" || exit 1
touch configure.ac Makefile.am src/local.am tests/local.am m4/a.m4
echo one >src/kept.c
cat >bootstrap <<'END'
#!/bin/sh
cat >configure <<'SCRIPT'
#!/bin/sh
from=$(dirname "$0")
[ ! -e "$from/config.status" ] || exit 1
touch config.status
{
	echo "abs_srcdir = $from"
	echo "mcpgate mcpgatectl: ; cp '$from/src/kept.c' \$@"
	echo "distdir: ; mkdir '\$(distdir)' && tar cf - bootstrap" \
		"Makefile.am configure* src tests m4 | tar xf - -C '\$(distdir)'"
} >Makefile
SCRIPT
chmod +x configure
END
chmod +x bootstrap
./bootstrap

looks()
{
	# $1: what it is; the tree, and a build beside it that is used again
	for word in one two; do
		echo $word >"$top/src/kept.c"
		rm -f "$dir/$1/mcpgate"
		checked=$((checked + 1))
		(. "$lint_top/tools/common.sh"
		 build_in "$dir/$1") >"$dir/out" 2>&1 &&
		    [ "$(cat "$dir/$1/mcpgate")" = $word ] ||
			{ bad "$1: $word: it does not build"; cat "$dir/out"; }
	done
}

looks "a tree as it is made"
./configure
looks "a tarball that is configured"
if command -v git >/dev/null 2>&1; then
	git init -q . && printf 'config.status\nMakefile\nconfigure\n' \
		>.gitignore
	looks "a checkout that is configured"
fi
for file in check quickstart fuzz; do
	checked=$((checked + 1))
	grep -q 'build_in\|^if prepare\|^prepare' "$lint_top/tools/$file" ||
		bad "tools/$file: has a way of its own"
done
finish
