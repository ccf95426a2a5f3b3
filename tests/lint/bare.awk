# SPDX-License-Identifier: MIT
# bare.awk FILE... -- C with comments gone and texts emptied, as FILE:LINE:code
FNR == 1 { inside = 0 }
{
	out = ""
	n = length($0)
	for (i = 1; i <= n; i++) {
		two = substr($0, i, 2)
		c = substr($0, i, 1)
		if (inside) {
			if (two == "*/") {
				inside = 0
				i++
			}
		} else if (two == "/*") {
			inside = 1
			i++
		} else if (two == "//") {
			break
		} else if ((c == "\"" && out !~ /^[ \t]*#[ \t]*include/) \
		    || c == "'") {
			quote = c
			for (i++; i <= n; i++) {
				c = substr($0, i, 1)
				if (c == "\\")
					i++
				else if (c == quote)
					break
			}
			out = out quote quote
		} else {
			out = out c
		}
	}
	print FILENAME ":" FNR ":" out
}
