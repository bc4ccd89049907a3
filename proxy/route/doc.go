// Package route answers one question: which rule covers the request?
//
// # The path that is matched is the path that is sent
//
// A class must not be had by spelling a path in another way. So there is one spelling: [Normalize] gives a URL its
// canonical path ([Canonical]: RFC 3986, section 6.2.2, and merged slashes) or refuses it, before [Table.Match] looks
// at it, and the same URL is forwarded. Where two readers could disagree about what a path means, it is refused:
// an encoded slash or backslash (%2F, %5C), a dot segment with parameters (/..;/), a NUL, a broken escape.
//
// # Which rules cover a request
//
//   - Path "/x" is exact: it covers /x, and not /x/. Path "/x/*" is a prefix: it covers /x and everything below it, and
//     not /xy. "/*" covers everything. The field disagrees about /x itself: Envoy's path_separated_prefix and the
//     Gateway API's PathPrefix cover it, net/http.ServeMux redirects it, nginx's "location /x/" and Caddy's "/x/*" do
//     not. Here it is covered, because what "everything of x" means to an operator must not depend on a final slash.
//   - Paths are compared decoded, segment by segment and without a segment's parameters (RFC 3986, section 3.3:
//     everything from ";"), since a servlet container answers /x;a=1 as it answers /x. A client can gain nothing from
//     this: it could have asked for the path without the parameters.
//   - Host is compared without port, final dot and letter case. "*.example.com" covers one or more labels in front, ""
//     covers every host.
//   - Methods empty covers every method. GET covers HEAD, unless a rule of the same host and path names HEAD itself.
//   - Headers: name to exact value, "*" for any value. Lines of the same name are one value joined by ", " (RFC 9110,
//     section 5.3).
//
// # Which of them wins
//
// The most specific: (1) host: exact, wildcard with the longer suffix, any; (2) path: exact, prefix with more segments;
// (3) method: named, HEAD by way of GET, any; (4) more header conditions. A rule that falls out by any condition leaves
// the request to the next. Two rules equal in all four that can cover the same request are a mistake, and [New] says
// so; their order in the configuration never decides.
//
// # Promises
//
// Match costs one map look-up a segment, whatever the number of rules, and allocates nothing for a host in lower case.
// Rules of the same host and path are tried one after another. A Table never changes and may be used from many goroutines.
//
// # Not done
//
// No regular expressions, no matching on the query. What only one backend takes for the same path (letter case, /x for
// /x/) is not guessed: give the rule that covers the rest ("/*") a class no better than those in front of it.
package route
