package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync/atomic"

	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/scoring/learn"
)

// csvSource is a CSV file, or rows made of something else, that is read from its beginning as often as asked.
// Rows that can't be read are left out; their reasons are kept from the first
// time.
type csvSource struct {
	name    string
	header  []string
	rejects []string
	windows int  // rows that were read as Windows-1252
	read    bool // once to the end
	line    int  // of the row that was yielded last

	memory *learn.Rows // instead of a file

	bytes atomic.Int64 // of the file, this time
	size  int64
}

// countedReader counts what was read of the file.
type countedReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// progress is how far the file is, in KiB.
func (c *csvSource) progress(name string) match.Progress {
	return match.Progress{Step: name, Done: int(c.bytes.Load() >> 10), Total: int(max(1, c.size>>10))}
}

func openCSV(name string) (*csvSource, error) {
	c := &csvSource{name: name}
	t, closing, err := c.open()
	if err != nil {
		return nil, err
	}
	c.header = t.Header()
	return c, closing()
}

func (c *csvSource) open() (t *capture.Table, closing func() error, err error) {
	f, err := os.Open(c.name)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	if info.IsDir() {
		return nil, nil, errors.Join(fmt.Errorf("%s is a folder; expected a table", c.name), f.Close())
	}
	c.size = info.Size()
	c.bytes.Store(0)
	var r io.Reader = bufio.NewReaderSize(countedReader{f, &c.bytes}, 1<<20)
	if strings.HasSuffix(c.name, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s: not a gzip file: %w", c.name, err), f.Close())
		}
	}
	if t, err = capture.NewTable(r); err != nil {
		return nil, nil, errors.Join(unusable(c.name, err), f.Close())
	}
	return t, f.Close, nil
}

// Columns returns the header.
func (c *csvSource) Columns() []string { return c.header }

// Rows reads the file.
func (c *csvSource) Rows(ctx context.Context) iter.Seq2[[]string, error] {
	if c.memory != nil {
		return c.memory.Rows(ctx)
	}
	return func(yield func([]string, error) bool) {
		t, closing, err := c.open()
		if err != nil {
			yield(nil, err)
			return
		}
		defer closing() //nolint:errcheck // opened for reading
		if !c.read {
			c.rejects = nil // of a time that did not come to the end
		}
		for n := 0; ; n++ {
			if n%1000 == 0 && ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			row, err := t.Next()
			var reject *capture.Reject
			switch {
			case errors.Is(err, io.EOF):
				c.read, c.windows = true, t.Converted()
				return
			case errors.As(err, &reject):
				if !c.read {
					c.rejects = append(c.rejects, fmt.Sprintf("%s: %s", c.name, strings.TrimPrefix(reject.Error(), "capture: ")))
				}
				continue
			case err != nil:
				yield(nil, fmt.Errorf("%s: %w", c.name, err))
				return
			}
			c.line = row.Line
			if !yield(row.Cells, nil) {
				return
			}
		}
	}
}

// converted says that rows of a file were read as Windows-1252, which nothing in the file says that it is.
func (s streams) converted(name string, rows int) {
	switch {
	case rows == 1:
		s.say("%s: 1 row is not UTF-8 and was read as Windows-1252; if a name came out wrong, save the file as UTF-8.", name)
	case rows > 1:
		s.say("%s: %s are not UTF-8 and were read as Windows-1252; if names came out wrong, save the file as UTF-8.", name, plural(rows, "row"))
	}
}

// rejected names the rows that could not be read, and gives the exit code of a
// run that left them out.
func (c *csvSource) rejected(s streams) error {
	s.converted(c.name, c.windows)
	for i, text := range c.rejects {
		if i == shownRejects {
			s.say("%s: and %s more", c.name, plural(len(c.rejects)-i, "row"))
			break
		}
		s.say("%s", text)
	}
	if len(c.rejects) == 0 {
		return nil
	}
	return &exitError{exitRejects, fmt.Errorf("%s could not be read and %s left out; the reasons stand above", plural(len(c.rejects), "row"), are(len(c.rejects)))}
}
