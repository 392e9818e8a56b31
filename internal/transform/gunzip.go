package transform

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

var errTooLarge = errors.New("it contains too much")

// tooLarge says how much too much is.
type tooLarge int64

func (most tooLarge) Error() string {
	return fmt.Sprintf("it contains more than %d MiB", int64(most)>>20)
}

func (tooLarge) Is(target error) bool { return target == errTooLarge }

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
		return nil, tooLarge(most)
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
