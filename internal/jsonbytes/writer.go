package jsonbytes

import (
	"slices"
	"strconv"
	"time"
)

// Writer writes one JSON value, part by part. The zero value is ready.
type Writer struct {
	b   []byte
	err error
}

// Grow makes room for n bytes more.
func (w *Writer) Grow(n int) { w.b = slices.Grow(w.b, n) }

// Bytes is what was written, and the first error of it.
func (w *Writer) Bytes() ([]byte, error) { return w.b, w.err }

// Begin begins an object or an array, by its bracket; within an object it is
// preceded by Name.
func (w *Writer) Begin(bracket byte) {
	w.next()
	w.b = append(w.b, bracket)
}

// End ends it.
func (w *Writer) End(bracket byte) { w.b = append(w.b, bracket) }

// next separates what follows from what is before it.
func (w *Writer) next() {
	if n := len(w.b); n > 0 && w.b[n-1] != '{' && w.b[n-1] != '[' && w.b[n-1] != ':' {
		w.b = append(w.b, ',')
	}
}

// Name names the next value of an object; it is plain ASCII.
func (w *Writer) Name(name string) {
	w.next()
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

// Text writes a member.
func (w *Writer) Text(name, s string) {
	w.Name(name)
	w.b = AppendString(w.b, s)
}

// Some is Text, and nothing if s is empty.
func (w *Writer) Some(name, s string) {
	if s != "" {
		w.Text(name, s)
	}
}

// Texts writes a member.
func (w *Writer) Texts(name string, list []string) {
	w.Name(name)
	w.b = AppendStrings(w.b, list)
}

// Int writes a member.
func (w *Writer) Int(name string, n int64) {
	w.Name(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

// Bool writes a member.
func (w *Writer) Bool(name string, v bool) {
	w.Name(name)
	w.b = strconv.AppendBool(w.b, v)
}

// Time writes a member.
func (w *Writer) Time(name string, t time.Time) {
	w.Name(name)
	var err error
	if w.b, err = AppendTime(w.b, t); err != nil {
		w.fail(err)
	}
}

// Number writes a member, of which n is the JSON.
func (w *Writer) Number(name, n string) {
	w.Name(name)
	w.b = append(w.b, n...)
}

// JSON writes a member that is JSON already, or failed to become that.
func (w *Writer) JSON(name string, value []byte, err error) {
	w.Name(name)
	w.b = append(w.b, value...)
	w.fail(err)
}

// Null writes a value.
func (w *Writer) Null() {
	w.next()
	w.b = append(w.b, "null"...)
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
