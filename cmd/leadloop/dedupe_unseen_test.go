package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unseenPeople are people of firms, as a CRM and the bookkeeping of one office have them: the columns are called otherwise, names stand in two columns or in
// one, telephones are written in two ways, and cells are missing.
func unseenPeople(t *testing.T, dir string) (crm, erp, truth string) {
	t.Helper()
	given := strings.Fields("Hans Jürgen Sabine Petra Wolfgang Heike Jörg Björn Klaus Günter Uwe Birgit Monika Stefan Katharina Lukas Leonie Felix Emma Rüdiger Dörte Silke")
	family := strings.Fields("Müller Schneider Fischer Weber Wagner Becker Schulz Schäfer Koch Bauer Richter Wolf Schröder Zimmermann Krüger Hartmann Köhler Huber Böhm Großmann")
	trades := strings.Fields("Metallbau Elektrotechnik Logistik Software Maschinenbau Verlag Spedition Werkzeuge")
	plain := strings.NewReplacer("ü", "ue", "ö", "oe", "ä", "ae", "ß", "ss")
	r := rand.New(rand.NewPCG(4711, 1))
	some := func(of []string) string { return of[r.IntN(len(of))] }
	often := func(p float64, s string) string {
		if r.Float64() < p {
			return s
		}
		return ""
	}
	a := [][]string{{"ContactId", "FirstName", "LastName", "Email", "AccountName", "Phone", "Created Date"}}
	b := [][]string{{"Debitor", "Ansprechpartner", "Kunde", "Mailadresse", "Tel.", "Umsatz"}}
	same := [][]string{{"a", "b"}}
	for i := range 700 {
		g, f := some(given), some(family)
		firm := some(family) + " " + some(trades)
		mail := strings.ToLower(plain.Replace(g+"."+f)) + "@" + strings.ToLower(strings.ReplaceAll(plain.Replace(firm), " ", "-")) + ".de"
		number := fmt.Sprint(1_000_000 + r.IntN(8_000_000))
		inA, inB := r.Float64() < 0.8, r.Float64() < 0.5
		if inA {
			a = append(a, []string{fmt.Sprintf("C-%d", i), g, f, often(0.8, mail), firm + " GmbH", often(0.6, "030/"+number), fmt.Sprintf("%02d.02.2025", 1+r.IntN(28))})
		}
		name := g + " " + f
		if r.IntN(3) == 0 {
			name = f + ", " + g
		}
		if inB {
			b = append(b, []string{fmt.Sprint(90_000 + i), name, firm, often(0.6, mail), often(0.6, "+49 30 "+number), fmt.Sprintf("%d.%03d,50", 1+r.IntN(90), r.IntN(1000))})
		}
		if inA && inB {
			same = append(same, []string{fmt.Sprintf("C-%d", i), fmt.Sprint(90_000 + i)})
		}
	}
	write := func(name string, comma rune, rows [][]string) string {
		file := filepath.Join(dir, name)
		var text strings.Builder
		w := csv.NewWriter(&text)
		w.Comma = comma
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("crm.csv", ',', a), write("erp.csv", ';', b), write("truth.csv", ',', same)
}

// Such lists were compared by mailbox, company and telephone alone, as the one had no column for the names of the other: F1 .64.
func TestListsThatWriteNamesAndHeadersOtherwiseAreLinkedAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	crm, erp, truth := unseenPeople(t, dir)
	for _, files := range [][]string{{crm, erp}, {erp, crm}} {
		flip := truth
		if files[0] == erp {
			rows := readCells(t, truth)
			var text strings.Builder
			for _, row := range rows {
				fmt.Fprintf(&text, "%s,%s\n", row[1], row[0])
			}
			flip = filepath.Join(dir, "flipped.csv")
			if err := os.WriteFile(flip, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		code, out, errs := command("dedupe", "--in", files[0], "--in", files[1], "--link", "--truth-pairs", flip, "--out", filepath.Join(dir, "clusters.csv"), "--json")
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		var sum summary
		if err := json.Unmarshal([]byte(out), &sum); err != nil {
			t.Fatal(err)
		}
		if sum.Quality.F1 < 0.98 {
			t.Errorf("%s to %s: %+v\n%s", files[0], files[1], *sum.Quality, errs)
		}
	}
}
