package edge

// attemptFields are fields in which a client, or a proxy before us, counts the tries of a request, each with the number from which on it
// is not the first. X-Retry-Attempt is counted from 0 (a first try mostly has none); gRPC counts the tries before this one;
// Envoy counts from 1, and Sanitize leaves its word only if the peer is trusted.
var attemptFields = [...]struct {
	name  string
	again int64
}{{"X-Retry-Attempt", 1}, {"Grpc-Previous-Rpc-Attempts", 1}, {"X-Envoy-Attempt-Count", 2}}

// Retry reports whether the request says that it is not the first try. What is no number says nothing. Whoever wants to may say it: it
// can only be to the client's own loss.
func Retry(h Fields) bool {
	for _, field := range &attemptFields {
		if value, said := one(h, field.name); said {
			if n, ok := digits(value); ok && n >= field.again {
				return true
			}
		}
	}
	return false
}
