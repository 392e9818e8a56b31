package httpclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"reloader/internal/reload"
)

// explain says why there is no answer, without the credentials: the library's errors quote what a server sent.
func (c *Client) explain(err error, request string, timeout time.Duration) *reload.Failure {
	f := explain(err, request, timeout)
	f.Message = c.Redact(f.Message)
	if text := err.Error(); c.Redact(text) != text {
		f.Err = errors.New(c.Redact(text))
	}
	return f
}

// explain turns the error of a request into a failure. timeout is only for the message.
func explain(err error, request string, timeout time.Duration) *reload.Failure {
	f := &reload.Failure{Err: err}
	if errors.Is(err, context.Canceled) {
		f.Class, f.Message = reload.ClassUnreachable, request+": stopped"
		return f
	}
	if plainHTTP(err) {
		f.Class, f.Permanent = reload.ClassScheme, true
		f.Message = request + ": the server speaks plain HTTP at this address"
		f.Hint = "write http:// instead of https:// in the URL"
		return f
	}
	// First those that quote the answer: it may contain the words of any other error.
	if strange := notHTTP(err); strange != "" {
		f.Class, f.Message = reload.ClassUnexpected, request+": "+strange
		f.Hint = "does another program use this port?"
		f.Err = errors.New(strange)
		return f
	}
	if tlsFailure(err, f) {
		f.Message = request + ": " + f.Message
		return f
	}
	switch dns, isDNS := errors.AsType[*net.DNSError](err); {
	case isDNS:
		f.Class = reload.ClassDNS
		f.Message = "host name " + strconv.Quote(dns.Name) + " does not resolve"
		f.Hint = "in the same pod the server is at 127.0.0.1; elsewhere check the Service's name and namespace"
	case errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err):
		f.Class = reload.ClassTimeout
		f.Message = "no answer within " + timeout.String()
		f.Hint = "is the server overloaded, or does another program use the port?"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Class = reload.ClassUnreachable
		f.Message = "connection refused: nothing listens there"
		if r, ok := errors.AsType[*refused](err); ok {
			f.Message = r.Error()
		}
		f.Hint = "is the server up, and is the port correct?"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.Class = reload.ClassUnreachable
		f.Message = "the connection was cut before the answer"
		f.Hint = "did the server restart? see its log"
	default:
		f.Class = reload.ClassUnreachable
		f.Message = reload.BoundBody(err.Error())
	}
	f.Message = request + ": " + f.Message
	return f
}

// errSwitched is the error of an answer with status 101.
var errSwitched = errors.New("101 Switching Protocols")

// notHTTP recognizes an answer that is none to an HTTP request, and says what it is instead; empty for any other error. The library
// quotes such an answer, which may repeat our own request: it is not shown.
func notHTTP(err error) string {
	_, system := errors.AsType[*net.OpError](err)
	switch text := err.Error(); {
	case errors.Is(err, errSwitched):
		return "the server switches to another protocol, which reloader did not ask for"
	case system || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "" // there is no answer, or only a part of one
	case strings.Contains(text, "server response headers exceeded"):
		return fmt.Sprintf("the headers of the answer have more than %d KiB", maxHead>>10)
	case strings.HasPrefix(text, "net/http: HTTP/1.x transport connection broken: "), strings.Contains(text, "malformed chunked encoding"):
		return "the answer is not HTTP"
	}
	return ""
}

// plainHTTP recognizes an HTTP answer where a TLS handshake was expected.
func plainHTTP(err error) bool {
	record, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok && string(record.RecordHeader[:]) == "HTTP/"
}

// tlsFailure recognizes errors of the TLS handshake; it fills f and reports true.
func tlsFailure(err error, f *reload.Failure) bool {
	op, isOp := errors.AsType[*net.OpError](err)
	host, isHost := errors.AsType[x509.HostnameError](err)
	_, isAuthority := errors.AsType[x509.UnknownAuthorityError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case isHost:
		f.Message = "the server's certificate is not for this name: " + host.Error()
		f.Hint = "set the server name to one that is in the certificate"
	case isAuthority:
		f.Message = "the server's certificate was signed by a CA that reloader does not trust"
		f.Hint = "put the CA's certificate into the CA file"
	case isInvalid && invalid.Reason == x509.Expired:
		f.Message = "the server's certificate is expired or not yet valid"
		f.Hint = "renew it, and check the clocks"
	case isInvalid:
		f.Message = "the server's certificate is invalid: " + invalid.Error()
	case isOp && op.Op == "remote error": // an alert; its type is not exported
		f.Message = "the server refused the TLS handshake: " + last(err)
		f.Hint = "if it asks for a client certificate, set the certificate and key files; its client CA must have signed it"
	case strings.HasPrefix(err.Error(), "tls: "), strings.HasPrefix(last(err), "tls: "):
		f.Message = "TLS handshake failed: " + last(err)
	default:
		return false
	}
	f.Class, f.Permanent = reload.ClassTLS, true
	return true
}

// last is the text of the innermost error.
func last(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// Classify turns an answer other than 2xx into a Failure that fits any server; nil for 2xx. Drivers refine
// message and hint.
func (c *Client) Classify(method, path string, a Answer) *reload.Failure {
	if a.Status/100 == 2 {
		return nil
	}
	request := method + " " + c.URL(path)
	f := &reload.Failure{Body: reload.BoundBody(c.Redact(a.Body))}
	say := func(class reload.Class, permanent bool, message, hint string) *reload.Failure {
		f.Class, f.Permanent, f.Hint = class, permanent, hint
		f.Message = request + ": " + strconv.Itoa(a.Status) + " " + http.StatusText(a.Status) + ": " + message
		return f
	}
	switch a.Status {
	case http.StatusUnauthorized:
		f.Untouched = true
		if c.o.Username == "" && c.o.BearerTokenFile == "" {
			return say(reload.ClassUnauthorized, true, "the server requires credentials", "set a user name and password file, or a bearer token file")
		}
		return say(reload.ClassUnauthorized, true, "the server does not accept the credentials", "correct the credential file; reloader reads it again for each request")
	case http.StatusForbidden:
		f.Untouched = true
		return say(reload.ClassForbidden, true, "the server does not permit this", "give the user the permission; or does a proxy or mesh in between refuse it?")
	case http.StatusNotFound:
		f.Untouched = true
		return say(reload.ClassNotFound, true, "nothing at this path", "the URL must lead to the server itself and end with its route prefix")
	case http.StatusMethodNotAllowed:
		f.Untouched = true
		return say(reload.ClassMethod, true, "the path does not accept "+method, "is this the right server?")
	case http.StatusBadRequest:
		if strings.Contains(a.Body, "HTTP request to an HTTPS server") {
			f.Untouched = true
			return say(reload.ClassScheme, true, "the server speaks TLS at this address", "write https:// instead of http:// in the URL")
		}
	case http.StatusServiceUnavailable:
		return say(reload.ClassUnavailable, false, "the server is starting, stopping or overloaded", "")
	}
	switch a.Status / 100 {
	case 3:
		f.Untouched = true
		return say(reload.ClassNotFound, true, "the server redirects elsewhere", "set the URL to the redirect's target, with the route prefix")
	case 5:
		return say(reload.ClassServer, false, "the server, or a proxy in front of it, failed", "see its log")
	}
	return say(reload.ClassUnexpected, true, "unexpected answer", "is this the right server?")
}
