package kube

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// metadataOnly asks for objects without their contents. Annotations come along: for an object made with kubectl apply
// one of them repeats the contents, a Secret's too. Nothing but version is read of them, so that no annotation is kept.
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

// watchSeconds is how long one watch lasts at least and half of what it lasts at most; the API ends it
// then. It is what the kubelet uses for the same objects. Jitter keeps many sidecars from coming
// back at once.
const watchSeconds = 1800

// watchEvent is one line of a watch.
type watchEvent struct {
	Type   string `json:"type"`
	Object struct {
		Metadata version `json:"metadata"`
		Code     int     `json:"code"` // of a Status, when Type is ERROR
		Message  string  `json:"message"`
	} `json:"object"`
}

// version is one version of an object.
type version struct {
	ResourceVersion string         `json:"resourceVersion"`
	ManagedFields   []managedField `json:"managedFields"`
}

// watch calls seen with the object's version, first as it is now and then at each
// change, until the watch ends; it always ends with an error, and lasted says how long it was
// open. Without a resource version to start from, the API sends the present state first: nothing
// is missed between two watches, and there is no version that could have expired.
func (c *Client) watch(ctx context.Context, o object, seen func(version)) (lasted time.Duration, err error) {
	seconds := watchSeconds + rand.IntN(watchSeconds) // jitter
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds+30)*time.Second)
	defer cancel()
	body, err := c.start(ctx, request{method: http.MethodGet, path: o.resource, accept: metadataOnly, query: url.Values{
		"watch":          {"1"},
		"fieldSelector":  {"metadata.name=" + o.name},
		"timeoutSeconds": {strconv.Itoa(seconds)},
	}})
	if err != nil {
		return 0, fmt.Errorf("watch %s: %w", o, err)
	}
	defer body.Close()
	opened := time.Now()
	err = readWatch(body, seen)
	if !errors.Is(err, errWatchEnded) {
		err = fmt.Errorf("watch %s: %w", o, err)
	}
	return time.Since(opened), err
}

// readWatch reads the lines of one watch to their end, which is always an error.
func readWatch(body io.Reader, seen func(version)) error {
	lines := json.NewDecoder(bufio.NewReader(body))
	for {
		var e watchEvent
		if err := lines.Decode(&e); err != nil {
			if errors.Is(err, io.EOF) {
				return errWatchEnded
			}
			return err
		}
		switch e.Type {
		case "ADDED", "MODIFIED":
			seen(e.Object.Metadata)
		case "ERROR": // 410 Gone, for example: the next watch starts with the present state
			return &StatusError{Code: e.Object.Code, Message: e.Object.Message}
		}
	}
}

// errWatchEnded is the ordinary end of a watch.
var errWatchEnded = errors.New("the watch has ended")
