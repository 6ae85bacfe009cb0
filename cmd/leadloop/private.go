package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
)

// Files that say something about people are for whoever ran the command alone;
// pages and learnt weights are for others to read, too.
const (
	private = 0o600
	shared  = 0o644
)

// createPrivate creates or empties a file that only its owner can read.
func createPrivate(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, private)
	if err != nil {
		return nil, err
	}
	// One that was there may have another mode; a pipe or a terminal has its own.
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		err = f.Chmod(private)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// writeFile writes beside the file and renames, so that what is there is whole.
func writeFile(name string, mode os.FileMode, write func(w io.Writer) error) (err error) {
	f, err := os.CreateTemp(dirOf(name), ".leadloop-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(write(w), w.Flush(), f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func dirOf(name string) string {
	if i := strings.LastIndexByte(name, os.PathSeparator); i >= 0 {
		return name[:i+1]
	}
	return "."
}
