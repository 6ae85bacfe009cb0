package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/dedupe/match"
)

// workFolder keeps what a run has done until it is done with all. It holds no values of the table, only hashes of common ones in the model.
type workFolder struct {
	dir  string
	went []string // what was found of an earlier run
}

const (
	workJob   = "job"
	workModel = "model.json"
	workPairs = "pairs-"
)

// work opens the folder for this job: the rows, what their columns mean, and what was decided. What another job has left in it is removed. It is nil
// if there is no place for one.
func (c *dedupeCmd) work(t *dedupeTable, file dedupe.MatchFile, o match.Options) (*workFolder, error) {
	dir := c.Work
	if dir == "" {
		if c.Out == "" {
			return nil, nil
		}
		dir = c.Out + ".work"
	}
	_, _ = fmt.Fprintf(t.digest, "%s\n%s\n%v %+v", version(), file.YAML(), c.Link, o.Decisions) // never fails
	job := "A run of leadloop dedupe is under way here, or was broken off. The next one over the same rows goes on from it.\n" + hex.EncodeToString(t.digest.Sum(nil)) + "\n"
	w := &workFolder{dir: dir}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("--work: %w", err)
	}
	before, err := os.ReadFile(filepath.Join(dir, workJob))
	if len(entries) > 0 && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--work: %s holds something else; name a folder that is empty or not there", dir)
	}
	if len(entries) > 0 && string(before) != job {
		if err := w.remove(); err != nil {
			return nil, err
		}
		entries = nil
	}
	if len(entries) == 0 {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("--work: %w", err)
		}
		return w, writeFile(filepath.Join(dir, workJob), private, func(out io.Writer) error {
			_, err := io.WriteString(out, job)
			return err
		})
	}
	for _, e := range entries {
		w.went = append(w.went, e.Name())
	}
	return w, nil
}

// found says what an earlier run has left, "" if nothing.
func (w *workFolder) found() string {
	model, keys := false, 0
	for _, name := range w.went {
		model = model || name == workModel
		if strings.HasPrefix(name, workPairs) {
			keys++
		}
	}
	switch {
	case keys > 0:
		return "its model and the pairs of " + plural(keys, "blocking key")
	case model:
		return "its model"
	}
	return ""
}

// Load and Save make it a match.Work.
func (w *workFolder) Load(name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(w.dir, name))
}

func (w *workFolder) Save(name string, write func(w io.Writer) error) error {
	return writeFile(filepath.Join(w.dir, name), private, write)
}

// model is what an earlier run learnt, nil if it did not come so far.
func (w *workFolder) model() *match.Model {
	if w == nil {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(w.dir, workModel))
	if err != nil {
		return nil
	}
	m, err := match.ParseModel(data)
	if err != nil { // as good as not there
		return nil
	}
	return m
}

func (w *workFolder) keepModel(m *match.Model) error {
	if w == nil {
		return nil
	}
	return writeModel(filepath.Join(w.dir, workModel), m)
}

// remove removes what runs keep in the folder, and the folder unless something else is in it.
func (w *workFolder) remove() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	left := 0
	for _, e := range entries {
		name := e.Name()
		if name != workJob && name != workModel && !strings.HasPrefix(name, workPairs) && !strings.HasPrefix(name, ".leadloop-") {
			left++
			continue
		}
		if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
			return err
		}
	}
	if left > 0 {
		return nil
	}
	return os.Remove(w.dir)
}

// removeEmpty removes the folder if nothing is in it that another run could take.
func (w *workFolder) removeEmpty() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != workJob {
		return err
	}
	return w.remove()
}
