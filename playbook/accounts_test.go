package playbook_test

import (
	"testing"
	"testing/fstest"

	"github.com/leadloop/leadloop/playbook"
)

func TestAnAccountsFileIsPartOfThePlaybook(t *testing.T) {
	digest := func(accounts string) string {
		t.Helper()
		p, problems := playbook.Load(fstest.MapFS{
			"scoring.yaml": {Data: []byte("{model: m, version: 1, rules: [{id: r, when: 'true', points: 1}]}")},
			"routing.yaml": {Data: []byte("{reps: [{id: ana}], queues: [{id: q}], chain: [{id: named, accounts_file: named.csv, target: {owner_of: named_account}}], final: q}")},
			"named.csv":    {Data: []byte(accounts)},
		})
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		return p.Digest()
	}
	one, other := digest("domain,owner\nacme.com,ana\n"), digest("domain,owner\nhooli.com,ana\n")
	if one == other {
		t.Error("with other accounts it has the same digest")
	}
	if again := digest("domain,owner\nacme.com,ana\n"); again != one {
		t.Error("the same files have another digest")
	}
}
