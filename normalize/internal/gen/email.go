package main

import (
	"path/filepath"
	"strings"
)

// freeMissing are free mail providers that the source list lacks.
var freeMissing = []string{
	"hey.com", "tutanota.com", "tutanota.de", "tutamail.com", "tuta.com", "tuta.io", "o2.pl", "sfr.fr", "proton.me", "protonmail.com", "pm.me",
	"icloud.com", "me.com", "mac.com", "duck.com", "posteo.de", "posteo.net", "mailbox.org", "skiff.com", "googlemail.com", "zohomail.com",
}

// freeWrong are entries of the source list that are no free mail providers.
var freeWrong = []string{"emailer.hubspot.com", "facebook.com", "medscape.com"}

func emailDomains(src, out string) error {
	dir := filepath.Join(src, "email-domains")
	disposable, err := readLines(filepath.Join(dir, "disposable.txt"))
	if err != nil {
		return err
	}
	free, err := readLines(filepath.Join(dir, "free.txt"))
	if err != nil {
		return err
	}
	d, f := map[string]string{}, map[string]string{}
	for _, name := range disposable {
		d[strings.ToLower(name)] = ""
	}
	for _, name := range append(free, freeMissing...) {
		f[strings.ToLower(name)] = ""
	}
	for _, name := range freeWrong {
		delete(f, name)
	}
	for name := range d {
		delete(f, name)
	}
	if err := writeTable(out, "email_disposable.txt", d); err != nil {
		return err
	}
	return writeTable(out, "email_free.txt", f)
}
