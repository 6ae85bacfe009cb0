package rules_test

import (
	"context"
	"errors"
	"testing"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// fuse is a context that is done once it has been asked so many times, and so
// in the middle of a loop whatever the machine's speed.
type fuse struct {
	context.Context
	asked, burns int
}

var errBurnt = errors.New("burnt")

func (f *fuse) Err() error {
	if f.asked++; f.asked > f.burns {
		return errBurnt
	}
	return nil
}

// TestCancellationStopsALoop: every kind of compiled loop looks at its context
// while it runs, and stops there and then.
func TestCancellationStopsALoop(t *testing.T) {
	e := newEnv(t, rules.Options{})
	f := biggest(t, e)
	items := make([]string, e.Limits().ListItems)
	for i := range items {
		items[i] = "x"
	}
	leadloop.Technologies.Set(f.Profile, items)
	const ten = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
	for _, tt := range []struct {
		name string
		kind leadloop.Kind
		text string
	}{
		{"all, over activities", boolean, `activities.all(a, ` + ten + `.all(x, x >= 0 && a.type == "a"))`},
		{"exists", boolean, `activities.exists(a, ` + ten + `.exists(x, x < 0 || a.type != "a"))`},
		{"exists_one", boolean, `activities.exists_one(a, ` + ten + `.exists_one(x, x == 0) && a.type != "a")`},
		{"filter of texts", list, `company.technologies.filter(t, ` + ten + `.all(x, x >= 0 && t != ""))`},
		{"map", boolean, `activities.map(a, ` + ten + `.map(x, x + 1).size()).size() > 0`},
		{"map of texts", list, `company.technologies.map(t, ` + ten + `.exists(x, x > 8) ? t : "")`},
		{"a loop in one operand", boolean, `lead.title != "" && company.technologies.all(t, ` + ten + `.all(x, x >= 0 && t != ""))`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := compile(t, e, tt.kind, tt.text)
			if p := set.Plan()[0]; p.Tier == rules.TierCEL {
				t.Fatalf("not compiled: %s", p.Why)
			}
			whole := &fuse{Context: context.Background(), burns: 1 << 30}
			if r := set.EvalOne(whole, f, 0); r.State != rules.Decided {
				t.Fatalf("not cancelled: got %+v", r)
			}
			if whole.asked < 5 {
				t.Fatalf("asked %d times", whole.asked)
			}
			for burns := range whole.asked {
				alone := &fuse{Context: context.Background(), burns: burns}
				together := &fuse{Context: context.Background(), burns: burns}
				var r rules.Results
				set.Eval(together, f, &r)
				for how, got := range map[string]rules.Result{"alone": set.EvalOne(alone, f, 0), "together": r.At(0)} {
					if got.State != rules.Failed || !errors.Is(got.Err, errBurnt) {
						t.Errorf("%s, done when asked for the %dth time: got %+v", how, burns+1, got)
					}
				}
				// The cause is asked for once more, and each loop around looks too.
				if alone.asked > burns+4 || together.asked > burns+4 {
					t.Errorf("done when asked for the %dth time, went on to ask %d and %d times", burns+1, alone.asked, together.asked)
				}
			}
		})
	}
}
