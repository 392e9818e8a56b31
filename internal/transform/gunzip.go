package transform

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// errTooLarge is wrapped with how much too much is.
var errTooLarge = errors.New("it contains more than")

// gunzip decompresses at most most bytes, however small a file claims to be.
func gunzip(data []byte, most int64) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty")
	}
	if err != nil {
		return nil, plain(err)
	}
	out, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, plain(err)
	}
	if int64(len(out)) > most {
		return nil, fmt.Errorf("%w %d MiB", errTooLarge, most>>20)
	}
	return out, nil
}

// plain says what is wrong in words that do not need the library's source.
func plain(err error) error {
	switch {
	case errors.Is(err, gzip.ErrHeader):
		return errors.New("it is not in gzip format")
	case errors.Is(err, gzip.ErrChecksum):
		return errors.New("its checksum is wrong")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends too early")
	}
	return err
}
