package privacy

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/leadloop/leadloop"
)

// Subject is whom a [System] is to forget: what the store knew of the person
// when the erasure was asked for. A number may be a whole office's: alone it tells
// nobody apart, so match people by the other three.
type Subject struct {
	Leads    []leadloop.LeadID    `json:"leads,omitempty"`
	Contacts []leadloop.ContactID `json:"contacts,omitempty"`
	Emails   []string             `json:"emails,omitempty"`
	Phones   []string             `json:"phones,omitempty"` // E.164
}

// seal encrypts the subject for one system of one erasure: AES-256-GCM under a
// key that HKDF-SHA-256 derives from the secret of the tokens. The nonce is
// derived from the key and the text (as in SIV), so that the same subject
// seals to the same bytes and no two texts share one.
func (k secret) seal(plan leadloop.LeadID, system string, s Subject) ([]byte, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	key, gcm, err := k.sealer(plan, system)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(plain)
	nonce := mac.Sum(nil)[:gcm.NonceSize()]
	return gcm.Seal(nonce, nonce, plain, nil), nil
}

// unseal opens what was sealed with any of the keys.
func (t *Tokens) unseal(plan leadloop.LeadID, system string, sealed []byte) (s Subject, err error) {
	for _, k := range append([]secret{t.secret}, t.older...) {
		if s, err = k.unseal(plan, system, sealed); err == nil {
			return s, nil
		}
	}
	return s, err
}

func (k secret) unseal(plan leadloop.LeadID, system string, sealed []byte) (s Subject, err error) {
	_, gcm, err := k.sealer(plan, system)
	if err != nil {
		return s, err
	}
	n := gcm.NonceSize()
	if len(sealed) < n {
		return s, fmt.Errorf("%w: the task's sealed subject is cut off", leadloop.ErrInvalid)
	}
	plain, err := gcm.Open(nil, sealed[:n], sealed[n:], nil)
	if err != nil {
		return s, fmt.Errorf("%w: the task was sealed with another key", leadloop.ErrInvalid)
	}
	return s, json.Unmarshal(plain, &s)
}

func (k secret) sealer(plan leadloop.LeadID, system string) ([]byte, cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, k.key, nil, "leadloop/erasure/1\x00"+string(plan)+"\x00"+system, 32)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	gcm, err := cipher.NewGCM(block)
	return key, gcm, err
}
