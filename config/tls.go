package config

import "slices"

// checkTLS finds what is at odds in a listener's TLS.
func (d *decoder) checkTLS(t *TLS, path string) {
	if t == nil || t.ClientCertificate == "" {
		return
	}
	if _, given := d.at[path+".client_ca_file"]; !given {
		d.wrong(path+".client_certificate", "says nothing without authorities to verify certificates by", "give client_ca_file, or remove it")
	}
}

// checkUpstreamTLS finds what is at odds in an upstream's TLS.
func (d *decoder) checkUpstreamTLS(u Upstream, path string) {
	if u.TLS == nil {
		return
	}
	if !slices.ContainsFunc(u.Endpoints, func(e Endpoint) bool { return !plainURL(e.URL) }) {
		d.wrong(path, "is for https:// endpoints, and there is none", "write https:// in an endpoint's url, or remove tls")
	}
	d.checkPair(path)
}

// checkTracing finds what is at odds in how the collector is spoken to.
func (d *decoder) checkTracing(t *Tracing) {
	if t == nil || t.TLS == nil {
		return
	}
	if plainURL(t.Endpoint) {
		d.wrong("tracing.tls", "is for an https:// endpoint, and there is none", "write https:// in endpoint, or remove tls")
	}
	d.checkPair("tracing.tls")
}

// checkPair finds a certificate without a key, or a key without a certificate.
func (d *decoder) checkPair(path string) {
	_, cert := d.at[path+".cert_file"]
	_, key := d.at[path+".key_file"]
	switch {
	case cert && !key:
		d.wrong(path+".cert_file", "has no key", "give key_file too")
	case key && !cert:
		d.wrong(path+".key_file", "has no certificate", "give cert_file too")
	}
}

// plainURL reports whether an endpoint is spoken to without TLS. Of one that is no URL that has been told.
func plainURL(url string) bool { return len(url) >= 7 && url[:7] == "http://" }

// asksForCertificates reports whether any listener verifies clients' certificates.
func asksForCertificates(f *File) bool {
	return slices.ContainsFunc(f.Listen, func(l Listener) bool { return l.TLS != nil && l.TLS.ClientCaFile != "" })
}
