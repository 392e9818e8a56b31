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

// metadataOnly asks for objects without their contents. Annotations are included: for an object made with kubectl apply
// one of them repeats the contents, even those of a Secret. Only the fields of version are decoded, so no annotation is kept.
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

// A watch lasts between watchSeconds and twice as long; then the API ends it. The kubelet uses the same range for the
// same objects. The random part keeps many sidecars from reconnecting at once.
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

// watch calls seen with the object's current version and then with each new one, until the watch ends.
// It always ends with an error; lasted is how long it was open. No resource version is sent, so the API
// starts with the current state: nothing is missed between two watches, and no version can expire.
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

// readWatch reads one watch until it ends, and returns why: the ordinary end is an error, too.
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
		case "ERROR": // 410 Gone, for example: the next watch starts with the current state
			return &StatusError{Code: e.Object.Code, Message: e.Object.Message}
		}
	}
}

// errWatchEnded is the ordinary end of a watch.
var errWatchEnded = errors.New("the watch has ended")
