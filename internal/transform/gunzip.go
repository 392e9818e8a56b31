package transform

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// errTooLarge is wrapped with the limit.
var errTooLarge = errors.New("it contains more than")

// gunzip decompresses a file. It reads at most one byte more than most, whatever size the file claims.
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

// plain words an error of the library for users.
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
