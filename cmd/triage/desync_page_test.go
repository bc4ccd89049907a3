package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// desyncReadings say what differences between the lanes, nginx and HAProxy mean. What all refuse, if with other statuses, needs no word.
var desyncReadings = []struct {
	text  string
	cases []string
}{
	{"RFC 9112, section 6.1: refuse, or believe the coding and close. Both lanes and nginx refuse, HAProxy closes. net/http alone would believe the coding and go on.",
		[]string{"CL.TE: length over chunks, a request behind them", "CL.TE: length first", "TE.CL: coding first, length of the first line"}},
	{"Section 6.3 allows to take two lengths that are alike for one. They come from nobody who means well, so both lanes and nginx refuse.", []string{"CL.CL: two alike", "CL.CL: a list"}},
	{"nginx takes a tab before a value for a part of it. It is white space (RFC 9110, section 5.5).", []string{"TE.TE: a tab before it"}},
	{"Backends that turn a dash into an underscore read both names alike. We refuse, nginx and HAProxy pass it on.", []string{"TE.TE: an underscore"}},
	{"A fold may be refused or replaced by spaces (section 5.2). net/http and HAProxy replace it; what is forwarded is one line. The standard lane closes the connection after the answer.", []string{"TE.TE: behind a fold", "TE.TE: folded", "lines: obs-fold"}},
	{"A bare LF may be taken for the end of a line (section 2.2), and the others do. What is forwarded ends in CRLF. The fast lane refuses, the standard lane closes after the answer: half of all smuggling begins here.",
		[]string{"TE.TE: behind a bare LF", "lines: bare LF after the request line", "lines: bare LF everywhere", "lines: bare LF as the empty line", "chunks: bare LF as the last line"}},
	{"In HTTP/1.0 the framing is faulty (section 6.1). Both lanes and nginx refuse; HAProxy believes the coding and passes the version on.", []string{"TE.TE: in HTTP/1.0"}},
	{"nginx lets a CR stand before the end of a line.", []string{"lines: CR CR LF"}},
	{"An empty line before a request should be passed over (section 2.2), for clients of the nineties. Neither lane does.", []string{"lines: an empty line before it"}},
	{"nginx leaves a field out that is none, and goes on.", []string{"lines: no colon", "lines: a letter beyond ASCII in a name"}},
	{"Control characters make a value invalid (RFC 9110, section 5.5). Both lanes refuse; what the others pass on the backend has to bear.",
		[]string{"lines: a NUL in a value", "lines: a control character in a value", "lines: DEL in a value"}},
	{"More white space than one space may be borne in a request line (section 3). Both lanes refuse.", []string{"lines: a tab for a space", "lines: two spaces", "lines: space after the version"}},
	{"An extension may be ignored (section 7.1.1), and the others do. The fast lane refuses, the standard lane closes after the answer: nobody sends them but attackers.", []string{"chunks: an extension", "chunks: an extension of the last"}},
	{"Bare LF in the frame of chunks: what Go mended in 2025 (CVE-2025-22871). Both lanes refuse, nginx and HAProxy of these versions do not.",
		[]string{"chunks: an extension with a bare LF", "chunks: bare LF after the size", "chunks: bare LF after the data"}},
	{"Space after a size is bad white space that a recipient may bear. The fast lane refuses, the standard lane closes after the answer.", []string{"chunks: space after the size"}},
	{"Both lanes drop request trailers that were not announced, nginx drops all, HAProxy passes all on.", []string{"trailers: unannounced", "trailers: announced"}},
	{"RFC 9110, section 6.5.1: nothing that frames, routes or says who asks may be a trailer. HAProxy passes it on, and a backend that merges trailers into the header believes it.",
		[]string{"trailers: a length", "trailers: a length, unannounced", "trailers: credentials and identity"}},
	{"Trailers are parsed as strictly as fields by the fast lane, loosely by the others. The standard lane then drops them, and closes after the answer.", []string{"trailers: a fold", "trailers: space before the colon", "trailers: a bare LF"}},
	{"Both lanes and nginx answer 100 themselves. HAProxy leaves that to the backend, and this one says nothing.", []string{"Expect: 100-continue, body at once", "Expect: 100-continue, body when told"}},
	{"There is no body to wait for. nginx says 100 all the same.", []string{"Expect: 100-continue of a GET"}},
	{"RFC 9110, section 10.1.1 allows 417. The others ignore what they do not know.", []string{"Expect: nonsense"}},
	{"Twice the same expectation says nothing new. nginx takes a second Expect for an attack.", []string{"Expect: twice"}},
	{"net/http finds 100-continue among the words. Nobody takes the body for a request.", []string{"Expect: obscured, with a request as a body"}},
	{"Nobody asked for this protocol: Triage strips the Upgrade, so an agreement is nonsense and gives 502. nginx and HAProxy pass the 101 on, which is how h2c smuggling goes past a proxy's rules.", []string{"upgrade: h2c, agreed to by the backend"}},
	{"The 426 ends the handshake, so what follows is another request, and passes the gates like one. HAProxy refuses a handshake with this version itself.", []string{"upgrade: websocket, refused by the backend, a request behind it"}},
	{"Neither is a forward proxy. HAProxy passes CONNECT and TRACE on unless a rule forbids it.", []string{"targets: CONNECT", "targets: CONNECT with a body", "targets: TRACE with a body"}},
	{"HAProxy passes the absolute form on; Triage and nginx make origin form of it.", []string{"targets: absolute form, same authority", "targets: absolute form, another scheme"}},
	{"The authority of the target goes before Host (section 3.2.2). nginx takes it; both lanes and HAProxy refuse two authorities in one request.", []string{"targets: absolute form, another authority"}},
	{"`*` is for OPTIONS (section 3.2.4).", []string{"targets: a star"}},
	{"Triage forwards the path by which it chose the route, which has single slashes. The others pass on what came.", []string{"targets: two slashes before a host"}},
	{"There is no fragment in a target. Triage reads `#` as a part of the path and says so to the backend with `%23`; HAProxy refuses; nginx routes without it and passes it on.", []string{"targets: a fragment"}},
	{"HTTP/1.1 wants exactly one valid Host (section 3.2). HAProxy of this version does not look.", []string{"hosts: none", "hosts: two in one", "hosts: a space", "hosts: a path"}},
	{"An empty Host is allowed (section 3.2). The backend gets the host of its URL.", []string{"hosts: empty"}},
	{"nginx answers HTTP/0.9, without a status line.", []string{"versions: HTTP/0.9"}},
	{"Triage speaks HTTP/1.1 to the backend whatever the client speaks, and does not keep connections of HTTP/1.0. HAProxy passes the version on.", []string{"versions: HTTP/1.0", "versions: HTTP/1.0 kept alive", "versions: HTTP/1.0 to an answer in chunks"}},
	{"A higher minor version is to be read as 1.1 (RFC 9110, section 2.5). There is none, so the fast lane refuses.", []string{"versions: HTTP/1.2", "answers: HTTP/1.2"}},
	{"HAProxy takes a request line of version 2.0 on a connection of version 1.", []string{"versions: HTTP/2.0"}},
	{"nginx buffers the body first and gives up when it does not come.", []string{"answers: early"}},
	{"A backend that says two lengths is broken or was deceived. The fast lane gives 502; net/http, like nginx and HAProxy, takes the coding, or the length that was said twice.", []string{"answers: length and chunks", "answers: two lengths alike"}},
	{"nginx takes the first of two lengths, or none for a length.", []string{"answers: two lengths that differ", "answers: a length with a sign"}},
	{"nginx passes on as plain what it cannot decode.", []string{"answers: an unknown coding", "answers: a coding under chunked"}},
	{"Chunks are parsed as strictly in answers as in requests by the fast lane. The answer has begun by then, so the connection breaks where it broke.", []string{"answers: chunks with an extension", "answers: chunks with a sign"}},
	{"net/http takes a length in a trailer for garbage. The others drop it.", []string{"answers: a trailer that is a length"}},
	{"HAProxy ends such an answer by closing; the others frame it anew.", []string{"answers: until the end"}},
	{"Response splitting: both lanes give 502 for a bare CR. A bare LF is an end of line for net/http, nginx and HAProxy, so two fields go out, each ending in CRLF; the fast lane gives 502.", []string{"answers: split by a bare LF"}},
	{"As in requests: the fast lane refuses, net/http replaces the fold by a space.", []string{"answers: a fold"}},
	{"Both lanes refuse a NUL and a line without a colon.", []string{"answers: a NUL", "answers: no colon"}},
	{"net/http leaves the field out, and the body ends with the connection. The fast lane, nginx and HAProxy refuse.", []string{"answers: space before the colon"}},
	{"nginx 1.22 takes a 103 or a 100 for the final answer and closes. HAProxy passes any number on, Triage sixteen.", []string{"answers: 103, then the answer", "answers: 103 with a length", "answers: 100, unasked", "answers: 17 times 103", "answers: 103 and no answer"}},
	{"nginx passes a 101 on that nobody asked for, and what follows it as answers: the poison reaches the client.", []string{"answers: 101, unasked"}},
	{"nginx passes HTTP/0.9 on as an answer.", []string{"answers: HTTP/0.9"}},
	{"HTTP/1.0 has no chunks: to net/http and nginx the frames are the content; the fast lane refuses.", []string{"answers: HTTP/1.0 in chunks"}},
	{"nginx and HAProxy pass on what is no status.", []string{"answers: a status of two digits", "answers: a status of four digits"}},
	{"net/http and nginx do not pass the reason on. The fast lane, which does, refuses this one.", []string{"answers: a bare CR in the reason"}},
}

const wirePage = "../../docs/wire.md"

const wireHead = `# Ambiguous messages, and who reads them how

Every message here can be read in two ways, or leaves a connection out of step: the families of request smuggling and desync. cmd/triage has them as a table
(desync_cases_test.go, with the bytes), and runs it against the real program on both lanes, with a raw backend that keeps every byte it gets. The whole answers and
requests are in cmd/triage/testdata/desync. Beside them stands what %s and %s, as Debian has them, with plain configurations, make of the same bytes.

Read a cell as: the statuses that the client got, what the backend got (with its body), and "closed" if the connection did not go on to the GET that is sent behind
every case in the same write; "either way" is a race that both outcomes of are right. "same" is the same as the fast lane. What holds for both lanes in every case, and is tested as such: no bytes of a body are taken for
a request; a connection that goes on is in step; nobody gets an answer that is another's.

The fast lane refuses what can be read in two ways. The standard lane is net/http, which bears more; what it forwards it has written anew, so that the backend has
nothing left to interpret. What net/http does not show is followed beside it: a request that is framed or addressed twice gets 400 there too, and after one that is
only odd the connection is closed, so that nothing is behind it that somebody in front of us has read in another way.

## Which lane

A plain listener serves by the fast lane unless it has ` + "`lane: standard`" + `, any other one by the standard lane. A connection of the fast lane goes over for good, with what was read of it, at the first
request that is not plain:

| request | why not by the fast lane |
|---|---|
| TLS, HTTP/2, h2c | sockets are waited for without a goroutine, and crypto/tls wants one that reads |
| ` + "`Upgrade: websocket`" + ` | a tunnel is two goroutines on either lane; one way to do it is enough |
| ` + "`Expect`" + ` with anything but 100-continue, announced trailers | net/http refuses the one, and knows which of the others may follow |
| HTTP/1.0 | answers cannot be in chunks, and the connection ends after each |
| methods that are never forwarded, targets that are no plain path | they are refused there, or have to be decoded |

Answers of every kind are the fast lane's own: in chunks, by length, until the end, 1xx, event streams, trailers.

## Sizes

| what | most | beyond it |
|---|---|---|
| a request's header | ` + "`limits.header`" + `, 64 KiB; 500 fields | 431; closed |
| a request's body | ` + "`body_limit`" + ` or ` + "`limits.body`" + `; none | 413; closed |
| a response's header | 64 KiB; 16 informational ones before it | 502, ` + "`upstream_garbage`" + ` |
| a response's body that says its length | ` + "`response_limit`" + ` or ` + "`limits.response`" + `; none | 502, ` + "`response_too_large`" + `; nothing of it is passed on |
| in chunks, or until the end | the same | what came before has been passed on; the connection breaks without a last chunk, in HTTP/2 the stream is reset |

After each of these the endpoint's connection is closed, unless all that it sent had been read by then; one of HTTP/2 loses the stream. A response to HEAD, or with 304, says the length of another one, and passes. To a client of
HTTP/1.0 the end of the connection is the end of the body, so it gets a reset where an answer breaks off.

## HTTP/2

Of h2spec 2.2.1's 145 cases the standard lane passes 142 by TLS and 141 by h2c, stock net/http 141 and 139 in the same run (an e2e test runs both). The rest:

| case | what happens |
|---|---|
| 6.5.3, several values of SETTINGS_INITIAL_WINDOW_SIZE | net/http answers by the first window, and more comes when the second is read |
| 8.1.2.2, fields of a connection; TE other than trailers | 400, where a reset is asked for; nothing of it reaches the backend |
| 3.5, an invalid preface (h2c alone) | it is HTTP/1.1 then, and gets that one's answer |

Stock net/http fails 4.2 as well (a HEADERS frame beyond SETTINGS_MAX_FRAME_SIZE), because it offers frames of 1 MiB; Triage offers 16 KiB, which fit into a stream's window.
`

// desyncResults reads what a proxy made of the table.
func desyncResults(t *testing.T, name string) (first string, of map[string]string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "desync", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(string(b), "== ")
	of = map[string]string{}
	for block := range strings.SplitSeq(rest, "\n== ") {
		title, rest, _ := strings.Cut(block, "\n")
		of[title], _, _ = strings.Cut(rest, "\n")
	}
	return strings.TrimSpace(first), of
}

// onlyRefused reports whether the backend got nothing, and the client a refusal.
func onlyRefused(short string) bool {
	status, rest, _ := strings.Cut(short, "; ")
	return rest == "closed" && (status == "no answer" || status[0] == '4' || status[0] == '5')
}

// The page is what the table gives, and every difference on it has been thought about.
func TestDocsWire(t *testing.T) {
	_, fast := desyncResults(t, "fast")
	_, standard := desyncResults(t, "standard")
	nginxIs, nginx := desyncResults(t, "nginx")
	haproxyIs, haproxy := desyncResults(t, "haproxy")
	words := map[string]string{}
	for _, r := range desyncReadings {
		for _, c := range r.cases {
			if words[c] != "" {
				t.Errorf("%s has two readings", c)
			}
			words[c] = r.text
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, wireHead, nginxIs, haproxyIs)
	family, last := "", ""
	for _, c := range desyncs {
		title := c.title()
		if c.family != family {
			fmt.Fprintf(&b, "\n## %s\n\n| case | fast | standard | nginx | HAProxy | our reading |\n|---|---|---|---|---|---|\n", c.family)
			family, last = c.family, ""
		}
		row := []string{fast[title], standard[title], nginx[title], haproxy[title]}
		if slices.Contains(row, "") {
			t.Fatalf("%s has not been run everywhere: go test -update-desync, and with -tags e2e", title)
		}
		differs := slices.ContainsFunc(row, func(s string) bool { return s != row[0] && !(onlyRefused(s) && onlyRefused(row[0])) })
		word := words[title]
		if delete(words, title); differs != (word != "") {
			t.Errorf("%s: it differs: %v, and the reading is %q", title, differs, word)
		}
		for i, s := range row {
			if i > 0 && s == row[0] {
				s = "same"
			}
			row[i] = strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(s)
		}
		if word != "" && word == last {
			word = "as above"
		} else {
			last = word
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.name, strings.Join(row, " | "), word)
	}
	for title := range words {
		t.Errorf("the reading of %q is of no case", title)
	}
	golden(t, wirePage, b.String())
}
