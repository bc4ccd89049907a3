// Package admin answers one question: who may look into the running proxy, and change it, over HTTP?
//
//	GET  / /console/…          the console: a page that asks for a token      anybody
//	GET  /api/v1/stream        what it shows, as server-sent events           viewer
//	GET  /healthz /livez       200 while the process lives
//	GET  /readyz               200, or 503 with the reason while starting or draining; ?verbose lists the checks
//	GET  /metrics              Prometheus exposition                          viewer
//	GET  /api/v1/status        Status as JSON                                 viewer
//	GET  /api/v1/config        the configuration in force: YAML, or JSON      viewer
//	GET  /api/v1/entries       what the control law did; ?after=SEQ           viewer
//	POST /api/v1/reload        load the configuration file again              operator
//
//	GET  /api/v1/incidents           all incidents, newest first, without entries       viewer
//	GET  /api/v1/incident            the open or latest one, or ?id=                    viewer
//	GET  /api/v1/incident/update     word for others; ?format=text, markdown or json    viewer
//	GET  /api/v1/incident/report     the whole story; ?id=, ?format=markdown or json    viewer
//	POST /api/v1/incident/open       {title}                                            operator
//	POST /api/v1/incident/note       {text}                                             operator
//	POST /api/v1/incident/role       {role, do: take, hand or release, to, force}       operator; force: admin
//	POST /api/v1/incident/resolve    {why}                                              operator
//	POST /api/v1/change              {what, routes}: something went live                operator
//	GET  /api/v1/levers              what is set by hand                                viewer
//	POST /api/v1/lever               {kind, target, value, why, for}                    operator, some admin
//	POST /api/v1/lever/undo          {id, why}                                          operator
//
// What is posted is JSON and has to say so (Content-Type), which no form of a foreign page can. Who did it is the name of the token; without
// tokens it is {who}, for everybody is "local" then.
//
// A browser on the operator's machine is the attacker to think of. Against DNS rebinding only known Host names are
// served (421 otherwise, RFC 9110 section 15.5.20); against cross-site requests net/http.CrossOriginProtection guards
// every method that changes something, and GET changes nothing. Without tokens the listener must be loopback or a unix
// socket, which Listen enforces. With tokens (RFC 6750, Bearer) everything but health wants one; all are compared, as
// SHA-256, in constant time. Health says nothing worth protecting and is asked by probes with odd Host names, so it is
// open to all.
//
// Errors are problem details (RFC 9457). Every attempt to reload is logged with who and result.
//
// Promised: no request, however large or slow, holds more than a few kilobytes or lives longer than Server's timeouts.
//
// Not done: TLS (use a unix socket, or a tunnel), sessions.
package admin
