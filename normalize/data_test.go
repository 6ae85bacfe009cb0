package normalize

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTablesAreSortedAndEveryRowIsFound(t *testing.T) {
	for name, tab := range map[string]table{
		"email_free": freeDomains, "email_disposable": disposableDomains, "nicknames": nicknameTable, "legal_forms": legalForms, "countries": countries,
		"timezones": timezones,
	} {
		rows, last := map[string]string{}, ""
		for line := range strings.Lines(string(tab)) {
			if !strings.HasSuffix(line, "\n") {
				t.Errorf("%s: the last line has no line feed", name)
			}
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if key <= last {
				t.Errorf("%s: %q does not sort behind %q", name, key, last)
			}
			rows[key], last = value, key
		}
		if len(rows) < 200 {
			t.Errorf("%s: only %d rows", name, len(rows))
		}
		for key, want := range rows {
			for _, probe := range []string{key, key + "x", key[:len(key)-1], "\n" + key, key + "\n", key + "\t" + want} {
				want, known := rows[probe]
				if got, ok := tab.lookup(probe); ok != known || got != want {
					t.Errorf("%s: lookup(%q) = %q, %v; want %q, %v", name, probe, got, ok, want, known)
				}
			}
		}
	}
}

func TestTablesHoldOnlyKeysThatAreLookedUp(t *testing.T) {
	for name, tab := range map[string]table{"legal_forms": legalForms, "countries": countries} {
		for line := range strings.Lines(string(tab)) {
			key, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if got := letterKey(key); got != key {
				t.Errorf("%s: %q can never be found, as it is looked up as %q", name, key, got)
			}
		}
	}
	for line := range strings.Lines(string(countries)) {
		_, iso2, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if got, ok := Country(iso2); !ok || got != iso2 {
			t.Errorf("Country(%q) = %q, %v", iso2, got, ok)
		}
	}
}

func sharedData(t *testing.T, parts ...string) string {
	t.Helper()
	root := os.Getenv("LEADLOOP_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	path := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skip("shared data sets are absent (set LEADLOOP_DATA to their folder)")
	}
	return path
}

// TestCompanyFormsOfRegisteredNames checks legal forms against 1,320 registered names of many countries. The bounds are what was measured, less a
// margin: they hold regressions, not a standard.
func TestCompanyFormsOfRegisteredNames(t *testing.T) {
	f, err := os.Open(sharedData(t, "company-names", "cleanco_companies.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = ';', -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	with, empty := 0, 0
	for _, row := range rows {
		c := Company(row[0])
		if c.LegalForm != "" {
			with++
		}
		if c.Key == "" {
			empty++
		}
	}
	t.Logf("%d names, %d with a legal form", len(rows), with)
	if empty > 0 || with*100 < len(rows)*minFormsPercent {
		t.Errorf("%d of %d names have a legal form, %d have no key", with, len(rows), empty)
	}
}

const minFormsPercent = 90

func TestCompanyKeysOfKnownCompaniesDoNotCollapse(t *testing.T) {
	f, err := os.Open(sharedData(t, "companies", "wikidata_companies.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Entities []struct {
			Canonical string
			Aliases   []string
		}
	}
	if err := json.NewDecoder(z).Decode(&file); err != nil {
		t.Fatal(err)
	}
	byKey := map[string]map[string]bool{}
	joined := 0
	for _, e := range file.Entities {
		c := Company(e.Canonical)
		if byKey[c.Key] == nil {
			byKey[c.Key] = map[string]bool{}
		}
		byKey[c.Key][Fold(e.Canonical)] = true
		for _, alias := range e.Aliases {
			if Fold(alias) != Fold(e.Canonical) && Company(alias).Key == c.Key {
				joined++
			}
		}
	}
	shared := 0
	for _, names := range byKey {
		if len(names) > 1 {
			shared += len(names)
		}
	}
	t.Logf("%d companies; %d aliases of another spelling get the company's key; %d companies of different names share a key", len(file.Entities), joined, shared)
	if joined < 2500 || shared*100 > len(file.Entities)*2 {
		t.Errorf("joined %d aliases, want 2,500 or more; %d of %d companies share a key, want 2 %% or fewer", joined, shared, len(file.Entities))
	}
}
