# SPDX-License-Identifier: MIT
# embed.awk FILE... -- text files as C, for --print-nginx and its sisters
BEGIN { n = 0 }
FNR == 1 {
	if (n > 0)
		print "\tNULL\n};"
	files[n] = FILENAME
	print (n > 0 ? "" : "/* Made by embed.awk. */\n" \
		"#include \"config.h\"\n\n#include \"main/print.h\"\n\n" \
		"#include <stddef.h>\n")
	print "static const char *const lines_" n "[] = {"
	n++
}
{
	gsub(/\\/, "&&")
	gsub(/"/, "\\\"")
	gsub(/\t/, "\\t")
	print "\t\"" $0 "\","
}
END {
	print "\tNULL\n};\n\nconst struct snippet snippets[] = {"
	for (i = 0; i < n; i++)
		print "\t{ \"" files[i] "\", lines_" i " },"
	print "\t{ NULL, NULL }\n};"
}
