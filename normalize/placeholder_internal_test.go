package normalize

import (
	"testing"

	"pgregory.net/rapid"
)

func TestThePlainKeyIsTheLetterKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-zA-Z0-9.+_-]{0,70}|.{0,20}`).Draw(t, "local part")
		key, ok := plainKey(new([plainBytes]byte), s)
		if ok && string(key) != letterKey(s) {
			t.Fatalf("%q: got %q, want %q", s, key, letterKey(s))
		}
		if ok && isRepeatedASCII(key) != isRepeated(string(key), 3) {
			t.Fatalf("%q: one says that it is repeated, the other does not", key)
		}
	})
}
