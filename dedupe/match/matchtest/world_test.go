package matchtest_test

import (
	"encoding/csv"
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/dedupe/match/matchtest"
	"github.com/leadloop/leadloop/dedupe/match/measure"
	"github.com/leadloop/leadloop/normalize"
)

// digest is of everything a world says.
func digest(t testing.TB, w *matchtest.World) string {
	h := fnv.New64a()
	out := csv.NewWriter(h)
	var row []string
	for _, r := range w.Records() {
		row = r.Row(row[:0])
		if err := out.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	out.Flush()
	for a := range w.Accounts() {
		if _, err := fmt.Fprintln(h, a); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

func TestTheSameSeedIsTheSameWorld(t *testing.T) {
	a, b := digest(t, matchtest.New(3000, 7)), digest(t, matchtest.New(3000, 7))
	if a != b {
		t.Errorf("digests %s and %s differ", a, b)
	}
	if c := digest(t, matchtest.New(3000, 8)); c == a {
		t.Error("another seed gives the same world")
	}
	w := matchtest.New(3000, 7)
	for i, r := range w.Records() {
		if diff := cmp.Diff(r, w.Record(i)); diff != "" {
			t.Fatalf("record %d asked for alone:\n%s", i, diff)
		}
		if i > 100 {
			break
		}
	}
}

func TestTruthIsCountedAsItIsGenerated(t *testing.T) {
	for _, n := range []int{1, 2, 20, 99, 100, 101, 777, 5000} {
		w := matchtest.New(n, 3)
		var truth []int
		people := map[int]bool{}
		for _, r := range w.Records() {
			truth = append(truth, r.Entity)
			people[r.Entity] = true
		}
		if got := measure.CountPairs(truth, truth).True; got != w.TruePairs() {
			t.Errorf("%d records: %d true pairs, TruePairs says %d", n, got, w.TruePairs())
		}
		if len(truth) != n || len(people) != w.People() {
			t.Errorf("%d records: %d made, %d people, People says %d", n, len(truth), len(people), w.People())
		}
		if n >= 1000 && float64(n-len(people))/float64(n) != .3 {
			t.Errorf("%d records: %d people; want 30 %% duplicates", n, len(people))
		}
	}
}

// TestWorldsHoldWhatTheyPromise counts what makes leads hard, so that no kind of it can silently vanish.
func TestWorldsHoldWhatTheyPromise(t *testing.T) {
	w := matchtest.New(20_000, 1)
	counts := map[matchtest.Noise]int{}
	mailOf, phoneOf := map[string]int{}, map[string]int{}
	phones, valid, withAccount := 0, 0, 0
	names := map[string]map[int]bool{}
	for _, r := range w.Records() {
		for bit := matchtest.Noise(1); bit <= matchtest.JobChange; bit <<= 1 {
			if r.Noise&bit != 0 {
				counts[bit]++
			}
		}
		if r.Account != "" {
			withAccount++
		}
		key := normalize.NameKey(r.FirstName) + " " + normalize.NameKey(r.LastName)
		if names[key] == nil {
			names[key] = map[int]bool{}
		}
		names[key][r.Entity] = true
		if m, err := normalize.Email(r.Email); err == nil && !m.IsRole() && r.Noise&matchtest.MistypedMail == 0 {
			if other, ok := mailOf[m.Base]; ok && other != r.Entity {
				t.Errorf("record %s: entity %d has the address of entity %d", r.ID, r.Entity, other)
			}
			mailOf[m.Base] = r.Entity
		}
		for _, raw := range []string{r.Phone, r.Mobile} {
			if raw == "" || normalize.IsPlaceholder(raw) || r.Noise&matchtest.MistypedPhone != 0 {
				continue
			}
			phones++
			hint := r.Country
			n, err := normalize.Phone(raw, hint)
			if err != nil {
				continue
			}
			valid++
			if r.Noise&matchtest.SharedPhone == 0 && raw[0] == '+' {
				if other, ok := phoneOf[n.E164]; ok && other != r.Entity {
					t.Errorf("record %s: entity %d has a number of entity %d", r.ID, r.Entity, other)
				}
				phoneOf[n.E164] = r.Entity
			}
		}
	}
	for bit := matchtest.Noise(1); bit <= matchtest.JobChange; bit <<= 1 {
		if n := counts[bit]; n < 40 {
			t.Errorf("%s: %d of 20,000 records", bit, n)
		}
	}
	// A national number without a country is not valid; all others are.
	if share := float64(valid) / float64(phones); share < .9 {
		t.Errorf("%.3f of the phone numbers are valid", share)
	}
	namesakes := 0
	for _, who := range names {
		if len(who) > 1 {
			namesakes++
		}
	}
	if namesakes < 200 {
		t.Errorf("%d names of more than one person", namesakes)
	}
	if share := float64(withAccount) / 20_000; share < .8 || share > .97 {
		t.Errorf("%.3f of the records have an account", share)
	}
}

func TestAccountsAreWhatRecordsLinkTo(t *testing.T) {
	w := matchtest.New(20_000, 1)
	accounts := map[leadloop.AccountID]leadloop.Account{}
	several, subdomains, children, sharedDomain := 0, 0, 0, 0
	owner := map[string]leadloop.AccountID{}
	for a := range w.Accounts() {
		accounts[a.ID] = a
		if len(a.Domains) > 1 {
			several++
		}
		if a.Parent != "" {
			children++
		}
		for _, d := range a.Domains {
			if r, err := normalize.Domain(d); err != nil {
				t.Errorf("account %s has no valid domain", a.ID)
			} else if r != d {
				subdomains++
			}
			if other, ok := owner[d]; ok && a.Parent != other && accounts[other].Parent != a.ID {
				t.Errorf("accounts %s and %s, of two groups, have one domain", a.ID, other)
			} else if ok {
				sharedDomain++
			}
			owner[d] = a.ID
		}
	}
	for _, a := range accounts {
		if _, ok := accounts[a.Parent]; a.Parent != "" && !ok {
			t.Errorf("the parent %s of account %s is no account", a.Parent, a.ID)
		}
	}
	for _, r := range w.Records() {
		if _, ok := accounts[r.Account]; r.Account != "" && !ok {
			t.Errorf("record %s links to %s, which is no account", r.ID, r.Account)
		}
	}
	if several < 50 || subdomains < 10 || children < 20 || sharedDomain < 5 {
		t.Errorf("%d accounts: %d with several domains, %d with sub-domains, %d children, %d of them with the parent's domain",
			len(accounts), several, subdomains, children, sharedDomain)
	}
}

func TestALeadSaysWhatTheRecordSays(t *testing.T) {
	r := matchtest.New(100, 1).Record(5)
	got := leadloop.Golden(leadloop.StandardSchema(), leadloop.SurvivorshipFunc(func(c leadloop.Contest) (int, leadloop.Value) {
		return int(c.Candidates[0]), c.Claims[c.Candidates[0]].Value
	}), r.Lead().Claims)
	for _, f := range []struct {
		field leadloop.Field[string]
		want  string
	}{{leadloop.Email, r.Email}, {leadloop.FirstName, r.FirstName}, {leadloop.CompanyName, r.Company}, {leadloop.Phone, r.Phone}, {leadloop.Domain, r.Website}} {
		if v, _ := f.field.Get(got); v != f.want {
			t.Errorf("%s differs", f.field.Name())
		}
	}
}

func TestNoiseNamesItself(t *testing.T) {
	for n, want := range map[matchtest.Noise]string{
		0: "none", matchtest.Typo | matchtest.JobChange: "typo+job_change", matchtest.Acronym | matchtest.NoMail: "no_mail+acronym",
	} {
		if got := n.String(); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func ExampleNew() {
	w := matchtest.New(1000, 42)
	var truth, byMail []string
	for _, r := range w.Records() {
		truth = append(truth, fmt.Sprint(r.Entity))
		mail := r.Email
		if mail == "" {
			mail = string(r.ID)
		}
		byMail = append(byMail, mail)
	}
	found := measure.CountPairs(truth, byMail)
	fmt.Println(w.Len(), "records,", w.People(), "people,", found.True, "pairs of duplicates")
	fmt.Printf("equal addresses alone: precision %.2f, recall %.2f\n", found.Precision(), found.Recall())
	// Output:
	// 1000 records, 700 people, 470 pairs of duplicates
	// equal addresses alone: precision 0.73, recall 0.47
}

func BenchmarkRecords(b *testing.B) {
	w := matchtest.New(100_000, 1)
	i := 0
	for b.Loop() {
		r := w.Record(i)
		if r.ID == "" {
			b.Fatal("a record without an id")
		}
		i = (i + 1) % w.Len()
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		matchtest.New(100_000, 1)
	}
}
