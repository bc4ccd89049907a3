package config

import (
	"mime"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// format is the form of a text. The pattern is all that the JSON Schema can say; check says the rest.
type format struct {
	pattern *regexp.Regexp
	// want completes a problem's line.
	want string
	// check gives what is wrong with a text that fits the pattern, the zero mistake if nothing is; nil checks nothing.
	// A mistake without a want gets the format's.
	check func(text string) mistake
}

// judge gives what is wrong with the text.
func (f format) judge(text string) mistake {
	if !f.pattern.MatchString(text) {
		if text == "" {
			return mistake{"is empty", f.want}
		}
		return mistake{quote(text) + " does not fit", f.want}
	}
	if f.check == nil {
		return mistake{}
	}
	m := f.check(text)
	if m.what != "" && m.want == "" {
		m.want = f.want
	}
	return m
}

// Tokens are those of RFC 9110, section 5.6.2; cookie names are tokens too (RFC 6265, section 4.1.1).
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

var formats = map[string]format{
	"name": {
		pattern: regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`),
		want:    "use at most 63 of a-z, 0-9, _ . and -, beginning with a letter or digit",
	},
	"label": {
		pattern: regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]{0,62}$`),
		want:    "use at most 63 of A-Z, a-z, 0-9, _ . + and -, beginning with a letter or digit",
	},
	"pseudonym": {
		pattern: regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,62}$`),
		want:    "use at most 63 of A-Z, a-z, 0-9, _ . and -, beginning with a letter",
	},
	"address": {
		pattern: regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?\]|[A-Za-z0-9_.-]*):[0-9]{1,5}$`),
		want:    "write host:port, such as 0.0.0.0:8080, [::1]:8080 or :8080",
		check:   checkAddress,
	},
	"cidr": {
		pattern: regexp.MustCompile(`^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$`),
		want:    "write a network such as 10.0.0.0/8 or an address such as 192.0.2.7",
		check:   checkNetwork,
	},
	"url": {
		pattern: regexp.MustCompile(`^https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)(:[0-9]{1,5})?$`),
		want:    "write http:// or https://, a host and a port, such as http://127.0.0.1:9000, and nothing after it",
		check:   checkURL,
	},
	"path": {
		pattern: regexp.MustCompile(`^/[!"$-)+->@-\[\]-~]*$`),
		want:    "write an exact path that begins with /, without query and *; other characters than ASCII percent-encoded",
		check:   checkPath,
	},
	"pattern": {
		pattern: regexp.MustCompile(`^/([!"$-)+->@-\[\]-~]*|([!"$-)+->@-\[\]-~]*/)?\*)$`),
		want:    "write /x for exactly that path, /x/* for everything below it, or /* for everything",
		check:   checkPath,
	},
	"method": {
		pattern: regexp.MustCompile(`^[A-Z][A-Z-]{0,31}$`),
		want:    "write a method in capital letters, such as GET",
	},
	"host": {
		pattern: regexp.MustCompile(`^((\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])$`),
		want:    "write a host name without port, such as shop.example.com or *.example.com",
	},
	"server": {
		pattern: regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`),
		want:    "write a host name without port, such as shop.internal",
	},
	"token":  {pattern: regexp.MustCompile("^" + token + "$"), want: "write a cookie's name, such as sid"},
	"header": {pattern: regexp.MustCompile("^" + token + "$"), want: "write a header field's name, such as X-Session", check: checkHeader},
	"per": {
		pattern: regexp.MustCompile("^(header|cookie):" + token + "$"),
		want:    "write route, client_ip, client_cert, header:NAME or cookie:NAME",
		check:   checkPer,
	},
	"value": {
		pattern: regexp.MustCompile(`^[^\x00-\x08\x0a-\x1f\x7f]*$`),
		want:    "write a header field's value without line breaks and control characters",
		check:   checkValue,
	},
	"media": {
		pattern: regexp.MustCompile(`^[!#$%&'*+.^_|~0-9A-Za-z-]+/[!#$%&'*+.^_|~0-9A-Za-z-]+([ \t]*;[ -~]*)?$`),
		want:    "write a media type, such as application/json or text/html; charset=utf-8",
		check:   checkMedia,
	},
	"written": {
		pattern: regexp.MustCompile(`^[^\x00]*/[^\x00]*$`),
		want:    "write a file's path with a / in it",
	},
	"hook": {
		pattern: regexp.MustCompile(`^https?://[A-Za-z0-9_.:\[\]-]+(/[!-~]*)?$`),
		want:    "write http:// or https://, a host, and a path if there is one",
	},
	"target": {
		pattern: regexp.MustCompile(`^[^\x00]*/[^\x00]*$`),
		want:    "write stdout, stderr, off, or a file's path with a / in it",
	},
}

func checkAddress(text string) mistake {
	host, port := text[:strings.LastIndexByte(text, ':')], text[strings.LastIndexByte(text, ':')+1:]
	if strings.HasPrefix(host, "[") {
		if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil || !addr.Is6() {
			return mistake{host + " is not an IPv6 address", ""}
		}
	}
	return checkPort(port, 0)
}

func checkPort(port string, least int) mistake {
	if n, err := strconv.Atoi(port); err != nil || n < least || n > 65535 {
		return mistake{"there is no port " + port, "ports go from " + strconv.Itoa(least) + " to 65535"}
	}
	return mistake{}
}

func checkNetwork(text string) mistake {
	if !strings.Contains(text, "/") {
		if _, err := netip.ParseAddr(text); err != nil {
			return mistake{quote(text) + " is not an address", ""}
		}
		return mistake{}
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return mistake{quote(text) + " is not a network", ""}
	}
	if network != network.Masked() {
		return mistake{quote(text) + " has bits set behind its length", "write " + network.Masked().String()}
	}
	return mistake{}
}

func checkURL(text string) mistake {
	u, err := url.Parse(text)
	if err != nil {
		return mistake{quote(text) + " is not a URL", ""}
	}
	if strings.HasPrefix(u.Host, "[") {
		if addr, err := netip.ParseAddr(u.Hostname()); err != nil || !addr.Is6() {
			return mistake{u.Host + " is not an IPv6 address", ""}
		}
	}
	if u.Port() == "" {
		return mistake{}
	}
	return checkPort(u.Port(), 1)
}

// checkPath refuses paths that no request has once dot segments and double slashes are gone.
func checkPath(text string) mistake {
	for i, segment := range strings.Split(text[1:], "/") {
		if segment == "." || segment == ".." || segment == "" && i < strings.Count(text, "/")-1 {
			return mistake{quote(text) + " is not a clean path", "write it without //, /./ and /../"}
		}
	}
	if _, err := url.PathUnescape(text); err != nil {
		return mistake{quote(text) + " has a % that encodes nothing", "write %25 for a percent sign"}
	}
	return mistake{}
}

// connectionFields belong to the connection, not to the message (RFC 9110, section 7.6.1), or frame it: they are never
// there to match and never free to set.
var connectionFields = []string{"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}

func checkHeader(text string) mistake {
	name := strings.ToLower(text)
	if name == "host" {
		return mistake{"Host is not a header field here", "match it with match.host"}
	}
	if slices.Contains(connectionFields, name) {
		return mistake{text + " belongs to the connection", "use another header field"}
	}
	return mistake{}
}

func checkPer(text string) mistake {
	if name, ok := strings.CutPrefix(text, "header:"); ok {
		return checkHeader(name)
	}
	return mistake{}
}

func checkValue(text string) mistake {
	if text != strings.Trim(text, " \t") {
		return mistake{quote(text) + " has blanks at an end", "header field values have none"}
	}
	return mistake{}
}

func checkMedia(text string) mistake {
	if _, _, err := mime.ParseMediaType(text); err != nil {
		return mistake{quote(text) + " is not a media type", ""}
	}
	return mistake{}
}
