package notify

import (
	"encoding/base64"
	"testing"
)

// Sign signs as a webhook does.
func Sign(t *testing.T, secret, id, stamp, body string) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	return sign(key, id, stamp, []byte(body))
}
