# SPDX-License-Identifier: MIT
# style.awk -- one C file; exit 1 when something is wrong
function bad(what) {
	print file ":" FNR ": " what
	wrong = 1
}
function columns(s,    i, n) {
	n = 0
	for (i = 1; i <= length(s); i++)
		n += substr(s, i, 1) == "\t" ? 8 - n % 8 : 1
	return n
}
/[ \t]$/ { bad("blanks at the end") }
/^        / { bad("blanks instead of a tab") }
/\r/ { bad("carriage return") }
# A table row or a text that is looked for may be longer; code may not.
!/"/ && !/^#define / && !/\/\*/ && columns($0) > 80 { bad("over 80 columns") }
columns($0) > 110 { bad("over 110 columns") }
/^#[ ]*include/ && file ~ /^src\/.*\.c$/ && !included {
	included = 1
	if ($0 !~ /"config.h"/)
		bad("config.h is not included first")
}
# Our definitions begin a line with their name; only a circle needs more.
/^static [^=]*[a-z0-9_][(]/ && !/__attribute__/ { declared = FNR }
declared && /[;{]/ {
	if (!/a circle/)
		bad("a forward declaration: write bottom-up")
	declared = 0
}
/^[{]$/ { start = FNR }
/^#[ ]*if/ && start { bad("#if inside a function") }
/^[}]/ && start {
	if (FNR - start - 1 > 80)
		bad("a function of " FNR - start - 1 " lines")
	start = 0
}
END {
	limit = file ~ /^src/ ? 650 : 900
	if (FNR > limit)
		bad("a file of more than " limit " lines")
	exit wrong
}
