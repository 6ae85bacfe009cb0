package routing

import "github.com/leadloop/leadloop"

// owed is what the new owner was owed of its fair pool with this lead's credit,
// in leads; "" if it was not the pool's turn that gave the lead.
func (n *run) owed(a *Assignment) string {
	p := n.r.pool(a.Pool)
	if p == nil || p.Strategy != StrategyFair {
		return ""
	}
	for i := range a.Trace.Entries {
		e := &a.Trace.Entries[i]
		if e.Verdict == VerdictWon && e.Pool == a.Pool && e.Winner == a.Owner && len(e.Members) > 0 {
			return leads(e.Members[0].Owed) // the winner comes first
		}
	}
	return ""
}

func points(s leadloop.Score) string {
	if !s.Known {
		return ""
	}
	return s.Points.String()
}
