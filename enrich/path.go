package enrich

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonPath is a way into a JSON document: keys separated by dots, list positions
// in brackets, keys with special characters quoted as JSON strings, as in
//
//	data.people[0]."work.email"
type jsonPath []step

type step struct {
	key   string
	index int // of a list, if key is not used
	list  bool
}

const maxPath = 32

func parsePath(s string) (jsonPath, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("not valid UTF-8")
	}
	var p jsonPath
	rest := s
	for rest != "" || len(p) == 0 {
		var st step
		var err error
		switch {
		case strings.HasPrefix(rest, "["):
			digits, tail, ok := strings.Cut(rest[1:], "]")
			n, convErr := strconv.ParseUint(digits, 10, 31)
			if !ok || convErr != nil || strconv.FormatUint(n, 10) != digits {
				return nil, errors.New("expected a list position such as [0]")
			}
			st, rest = step{index: int(n), list: true}, tail
		default:
			if len(p) > 0 {
				if !strings.HasPrefix(rest, ".") {
					return nil, errors.New(`expected "." or "[" between steps`)
				}
				rest = rest[1:]
			}
			if st.key, rest, err = pathKey(rest); err != nil {
				return nil, err
			}
		}
		if p = append(p, st); len(p) > maxPath {
			return nil, fmt.Errorf("more than %d steps", maxPath)
		}
	}
	return p, nil
}

func pathKey(s string) (key, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil || json.Unmarshal([]byte(quoted), &key) != nil {
			return "", "", errors.New("a quoted key is not a JSON string")
		}
		return key, s[len(quoted):], nil
	}
	end := strings.IndexFunc(s, func(r rune) bool { return strings.ContainsRune(".[]\"{}()*?@$, ", r) || r < ' ' })
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return "", "", errors.New("expected a key")
	}
	return s[:end], s[end:], nil
}

// find follows p. It is false if a step leads nowhere; JSON null is found.
func (p jsonPath) find(doc any) (any, bool) {
	for _, s := range p {
		switch at := doc.(type) {
		case map[string]any:
			v, ok := at[s.key]
			if s.list || !ok {
				return nil, false
			}
			doc = v
		case []any:
			if !s.list || s.index >= len(at) {
				return nil, false
			}
			doc = at[s.index]
		default:
			return nil, false
		}
	}
	return doc, true
}

const maxDepth = 64

// decodeJSON reads one document, numbers as json.Number. Keys that stand twice
// in an object are an error: which of the two a reader takes is anybody's
// guess.
func decodeJSON(data []byte) (any, error) {
	if !json.Valid(data) {
		return nil, errNotJSON
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return decodeValue(dec, 0)
}

func decodeValue(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("the JSON is nested too deeply")
	}
	t, err := dec.Token()
	if err != nil {
		return nil, errNotJSON
	}
	switch t {
	case json.Delim('{'):
		m := map[string]any{}
		for dec.More() {
			k, err := dec.Token()
			if err != nil {
				return nil, errNotJSON
			}
			key, ok := k.(string)
			if !ok {
				return nil, errNotJSON
			}
			if _, ok := m[key]; ok {
				return nil, errors.New("a key of the JSON stands in its object twice")
			}
			if m[key], err = decodeValue(dec, depth+1); err != nil {
				return nil, err
			}
		}
		if _, err := dec.Token(); err != nil {
			return nil, errNotJSON
		}
		return m, nil
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := decodeValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		if _, err := dec.Token(); err != nil {
			return nil, errNotJSON
		}
		return list, nil
	}
	return t, nil
}

// errNotJSON replaces the decoder's errors, which quote the text.
var errNotJSON = errors.New("not JSON, or cut off")
