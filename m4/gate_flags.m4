# SPDX-License-Identifier: MIT
# gate_flags.m4 -- which compiler and linker flags does this system take?
#
# A loop variable named "f" would rewrite the `rm -f` inside AC_LINK_IFELSE,
# hence the long name.

# GATE_CFLAGS_ADD(FLAGS): appends to GATE_CFLAGS what compiles without a word.
AC_DEFUN([GATE_CFLAGS_ADD], [
gate_saved_cflags=$CFLAGS
gate_saved_werror=$ac_c_werror_flag
ac_c_werror_flag=yes
for gate_flag in $1; do
	AC_MSG_CHECKING([whether $CC takes $gate_flag])
	CFLAGS="$gate_saved_cflags $gate_flag"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[int gate_probe;]],
		[[return gate_probe;]])],
		[GATE_CFLAGS="$GATE_CFLAGS $gate_flag"
		AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])])
done
CFLAGS=$gate_saved_cflags
ac_c_werror_flag=$gate_saved_werror
])

# GATE_LDFLAGS_ADD(FLAGS): appends to GATE_LDFLAGS what links.
AC_DEFUN([GATE_LDFLAGS_ADD], [
gate_saved_ldflags=$LDFLAGS
gate_saved_cflags=$CFLAGS
CFLAGS="$CFLAGS -fPIE"
for gate_flag in $1; do
	AC_MSG_CHECKING([whether the linker takes $gate_flag])
	LDFLAGS="$gate_saved_ldflags $gate_flag"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[int gate_probe;]],
		[[return gate_probe;]])],
		[GATE_LDFLAGS="$GATE_LDFLAGS $gate_flag"
		AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])])
done
LDFLAGS=$gate_saved_ldflags
CFLAGS=$gate_saved_cflags
])

# GATE_LIBRARY(VARIABLE, MODULE, MINIMUM, DEBIAN PACKAGE, FEDORA PACKAGE)
AC_DEFUN([GATE_LIBRARY], [
PKG_CHECK_MODULES([$1], [$2 >= $3], [
	gate_version=`$PKG_CONFIG --modversion $2`
	GATE_BUILT_WITH="${GATE_BUILT_WITH:+$GATE_BUILT_WITH, }$2 $gate_version"
], [AC_MSG_ERROR([
	$2 $3 or newer is needed and was not found.
	pkg-config:      $[$1]_PKG_ERRORS
	Debian, Ubuntu:  apt-get install $4
	Fedora, RHEL:    dnf install $5
	Elsewhere: install it and let PKG_CONFIG_PATH name the directory of its
	$2.pc file.])])
])

# GATE_EXPAND(VARIABLE, TEXT): a directory with all its ${prefix} replaced.
AC_DEFUN([GATE_EXPAND], [
gate_old_prefix=$prefix
gate_old_exec_prefix=$exec_prefix
test "x$prefix" = xNONE && prefix=$ac_default_prefix
test "x$exec_prefix" = xNONE && exec_prefix=$prefix
$1=$2
for gate_round in 1 2 3 4; do
	eval "$1=\"[$]$1\""
done
prefix=$gate_old_prefix
exec_prefix=$gate_old_exec_prefix
])
