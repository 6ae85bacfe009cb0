package tracking

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/store"
)

// Review is what a sales team should talk about on a Monday: one week, against
// the one before. It marshals to JSON, [Review.Text] writes it for a chat.
//
// Figures of a week are about the leads that arrived in it, as they stood when
// it ended; the week before as it stood when it ended. So both had the same time
// to be worked, and what a Monday adds to the week before does not look like
// progress.
type Review struct {
	Week  string    `json:"week"` // ISO, such as "2026-W45"
	From  time.Time `json:"from"`
	Until time.Time `json:"until"` // the next Monday, exclusive

	// Created is how many leads arrived in the week and in the one before;
	// CreatedBeyond says that they differ beyond noise.
	Created       int  `json:"created"`
	CreatedBefore int  `json:"created_before"`
	CreatedBeyond bool `json:"created_beyond_noise"`
	// Worked, ContactRate and SLA are of all leads of the week. Leakage is of
	// those that came of the age in the week at which they can leak.
	Worked      Change `json:"worked"`
	Leakage     Change `json:"leakage"`
	ContactRate Change `json:"contact_rate"`
	SLA         Change `json:"sla"`
	// SALRate and SpeedToLead are of all leads, then by source and tier, then
	// by tier.
	SALRate     []Change      `json:"sal_rate"`
	SpeedToLead []SpeedChange `json:"speed_to_lead"`
	// Unplaced are the leads that no entry of the chain could place, Failures
	// why, those of the week.
	Unplaced Change  `json:"unplaced"`
	Failures []Count `json:"failures"`
	// Overridden are the leads that a person gave to another owner.
	Overridden Change `json:"overridden"`
	// Revenue is of the deals that were closed in the week.
	Revenue       Deals `json:"revenue"`
	RevenueBefore Deals `json:"revenue_before"`
	// Pools are what the members of rotation pools got in the last weeks and
	// are owed now.
	Pools []PoolShare `json:"pools"`
	// Skew is how evenly each fair pool gave out its leads in the last weeks.
	Skew []PoolSkew `json:"skew"`
	// ScoreGap is how far apart the scores of won and lost leads are, of all
	// whose deals ended so far.
	ScoreGap ScoreGap `json:"score_gap"`
	// Dead are tasks that gave up, by kind: mails, notices, CRM writes that
	// never arrived.
	Dead []Count `json:"dead_tasks"`
	// Proposals are one or two changes that the last weeks speak for most, or
	// none. Compared is how many were looked at.
	Proposals []Proposal `json:"proposals"`
	Compared  int        `json:"proposals_compared"`
	// Trend is the weeks up to this one, all as they stood when it ended.
	Trend []Point `json:"trend"`
	// Tables are the figures by ReviewOptions.Tables, of all history.
	Tables []Table `json:"tables,omitempty"`
	// NoArrival counts leads that the journal tells of without ever telling
	// that they arrived, Unlinked the deals of no lead.
	NoArrival int   `json:"no_arrival"`
	Unlinked  Deals `json:"unlinked"`
}

// Count is how many of something.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// PoolShare is a member of a rotation pool.
type PoolShare struct {
	Pool   string         `json:"pool"`
	Member leadloop.RepID `json:"member"`
	Leads  int            `json:"leads"` // got from the pool in the last weeks, and still has
	// Owed is what the ledger says the member is owed, in millionths of a lead.
	Owed leadloop.Owed `json:"owed"`
}

// PoolSkew is how far from fair shares a pool gave out leads.
type PoolSkew struct {
	Pool string `json:"pool"`
	Skew
}

// MarshalJSON writes the pool beside the figures.
func (p PoolSkew) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Pool string `json:"pool"`
		Skew Skew   `json:"skew"`
	}{p.Pool, p.Skew})
}

// Point is one week of a trend.
type Point struct {
	Week        string `json:"week"`
	Leads       int    `json:"leads"`
	SALRate     Rate   `json:"sal_rate"`
	Leakage     Rate   `json:"leakage"`
	SpeedToLead Speed  `json:"speed_to_lead"`
}

// Table is the figures of all groups of one way to look at leads.
type Table struct {
	By     []string  `json:"by"`
	Groups []Figures `json:"groups"`
}

// ReviewOptions are the optional settings of a review.
type ReviewOptions struct {
	// Options say what counts; From and GroupBy are the review's own.
	Options Options
	// Weeks is how many weeks up to the end of this one speak for proposals
	// and are in the trend; 0 means 13.
	Weeks int
	// Tables are further ways to look at all history, as Options.GroupBy.
	Tables [][]string
	// Advisor knows the playbook, so that proposals can say which rule or
	// threshold to change, and from what to what; nil proposes without.
	Advisor Advisor
}

// WeekOf returns the Monday, in UTC, that an ISO week such as "2026-W45" begins
// with; leadloop.ErrInvalid if there is no such week.
func WeekOf(week string) (time.Time, error) {
	var year, n int
	if _, err := fmt.Sscanf(week, "%4d-W%2d", &year, &n); err == nil && n >= 1 {
		// The fourth of January is always in the first week.
		jan := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
		monday := jan.AddDate(0, 0, 7*(n-1)-(int(jan.Weekday())+6)%7)
		if Week(monday) == week {
			return monday, nil
		}
	}
	return time.Time{}, fmt.Errorf("tracking: %w: %q is no week such as 2026-W45", leadloop.ErrInvalid, week)
}

// Monday returns the beginning of the week that a moment is in, in UTC.
func Monday(at time.Time) time.Time {
	at = at.UTC()
	return time.Date(at.Year(), at.Month(), at.Day()-(int(at.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
}

// reviewer folds the journal as it stood at the end of both weeks, and the last
// weeks apart.
type reviewer struct {
	o                     ReviewOptions
	monday                time.Time
	now, before, lastFold *Tracker
}

func newReviewer(monday time.Time, o ReviewOptions) (*reviewer, error) {
	if o.Weeks == 0 {
		o.Weeks = 13
	}
	if o.Weeks < 1 {
		return nil, fmt.Errorf("tracking: %w: ReviewOptions.Weeks can't be negative", leadloop.ErrInvalid)
	}
	r := &reviewer{o: o, monday: monday}
	end := monday.AddDate(0, 0, 7).Add(-time.Nanosecond)
	make := func(asOf, from time.Time, by [][]string) (*Tracker, error) {
		t := o.Options
		t.From, t.GroupBy = from, by
		return New(asOf, t)
	}
	weekly := [][]string{{DimWeek}, {DimWeek, DimSource}, {DimWeek, DimTier}, {DimWeek, DimFailure}, {DimDueWeek}, {DimClosedWeek}}
	var err error
	if r.now, err = make(end, time.Time{}, slices.Concat(weekly, o.Tables)); err != nil {
		return nil, err
	}
	if r.before, err = make(end.AddDate(0, 0, -7), time.Time{}, weekly); err != nil {
		return nil, err
	}
	r.lastFold, err = make(end, monday.AddDate(0, 0, 7-7*o.Weeks), [][]string{{DimSource, DimTier}, {DimOwner}, {DimPool}, {DimPool, DimOwner}, {DimFailure}})
	return r, err
}

func (r *reviewer) trackers() []*Tracker { return []*Tracker{r.now, r.before, r.lastFold} }

// NewReview reads the journal, opportunities, ledgers and tasks of a store in
// one View, and reviews the week that begins at monday (see [WeekOf] and
// [Monday]). An error is the store's, or leadloop.ErrInvalid for options.
func NewReview(ctx context.Context, st store.Store, monday time.Time, o ReviewOptions) (*Review, error) {
	r, err := newReviewer(Monday(monday), o)
	if err != nil {
		return nil, err
	}
	var out *Review
	err = st.View(ctx, func(tx store.Tx) error {
		for e, err := range tx.Journal().Since(ctx, 0) {
			if err != nil {
				return fmt.Errorf("journal: %w", err)
			}
			for _, t := range r.trackers() {
				if instant(e.At) <= t.asOf {
					t.add(&e)
				}
			}
		}
		deals, err := tx.CRM().Opportunities(ctx, "")
		if err != nil {
			return fmt.Errorf("opportunities: %w", err)
		}
		for _, d := range deals {
			for _, t := range r.trackers() {
				t.AddOpportunity(d)
			}
		}
		out = r.review()
		if err := r.ask(ctx, tx, out); err != nil {
			return err
		}
		return r.propose(ctx, tx, out)
	})
	if err != nil {
		return nil, fmt.Errorf("tracking: review: %w", err)
	}
	return out, nil
}

// ask adds what only the store knows.
func (r *reviewer) ask(ctx context.Context, tx store.Tx, out *Review) error {
	owed := map[string]map[leadloop.RepID]leadloop.Owed{}
	for i := range out.Pools {
		p := &out.Pools[i]
		if owed[p.Pool] == nil {
			ledger, err := tx.Rotations().Get(ctx, p.Pool)
			if err != nil {
				return fmt.Errorf("pool %s: %w", p.Pool, err)
			}
			owed[p.Pool] = map[leadloop.RepID]leadloop.Owed{}
			for _, b := range ledger.Balances {
				owed[p.Pool][b.Member] = b.Owed
			}
		}
		p.Owed = owed[p.Pool][p.Member]
	}
	tasks, err := tx.Tasks().Count(ctx)
	if err != nil {
		return fmt.Errorf("tasks: %w", err)
	}
	dead := map[string]int{}
	for _, c := range tasks {
		if c.State == leadloop.TaskDead {
			dead[c.Kind] = c.N
		}
	}
	out.Dead = counts(dead)
	return nil
}

func counts(m map[string]int) []Count {
	out := []Count{}
	for _, name := range slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(m[b]-m[a], strings.Compare(a, b)) }) {
		out = append(out, Count{name, m[name]})
	}
	return out
}

// cell is that of a group, an empty one if there is none.
func (t *Tracker) cell(by []string, values ...string) *cell {
	t.settle()
	if c := t.find(by).cells[strings.Join(values, "\x00")]; c != nil {
		return c
	}
	return &cell{}
}

func (r *reviewer) review() *Review {
	week, last := Week(r.monday), Week(r.monday.AddDate(0, 0, -7))
	out := &Review{Week: week, From: r.monday, Until: r.monday.AddDate(0, 0, 7), Proposals: []Proposal{}, Failures: []Count{}, Pools: []PoolShare{}, Skew: []PoolSkew{}, Dead: []Count{}}
	after, before := r.now.cell([]string{DimWeek}, week), r.before.cell([]string{DimWeek}, last)
	out.Created, out.CreatedBefore = after.leads, before.leads
	// Arrivals are a Poisson process: the difference of two counts has the
	// variance of their sum.
	if sum := after.leads + before.leads; sum > 0 {
		out.CreatedBeyond = sum >= 2*Enough && math.Abs(float64(after.leads-before.leads)) > zSure*math.Sqrt(float64(sum))
	}
	all := func(figure string, of func(c *cell) Rate) Change {
		return change(figure, "", All, of(before), of(after))
	}
	out.Worked = all("worked", func(c *cell) Rate { return Rate{All, c.worked, c.leads} })
	out.ContactRate = all("contact_rate", func(c *cell) Rate { return Rate{All, c.contacted, c.worked} })
	out.SLA = all("sla", func(c *cell) Rate { return Rate{All, c.met, c.clocks} })
	out.Unplaced = all("unplaced", func(c *cell) Rate { return Rate{All, c.unplaced, c.leads} })
	out.Overridden = all("overridden", func(c *cell) Rate { return Rate{All, c.over, c.assigned} })
	due, dueBefore := r.now.cell([]string{DimDueWeek}, week), r.before.cell([]string{DimDueWeek}, last)
	out.Leakage = change("leakage", "", All, Rate{All, dueBefore.leaked, dueBefore.due}, Rate{All, due.leaked, due.due})

	sal := func(by, group string, before, after *cell) Change {
		return change("sal_rate", by, group, Rate{group, before.accepted, before.assigned}, Rate{group, after.accepted, after.assigned})
	}
	out.SALRate = []Change{sal("", All, before, after)}
	out.SpeedToLead = []SpeedChange{speedChange("", All, before, after)}
	for _, by := range []string{DimSource, DimTier} {
		for _, group := range r.groups(by, week, last) {
			b, a := r.before.cell([]string{DimWeek, by}, last, group), r.now.cell([]string{DimWeek, by}, week, group)
			name := cmp.Or(group, None)
			if b.assigned+a.assigned > 0 {
				out.SALRate = append(out.SALRate, sal(by, name, b, a))
			}
			if by == DimTier && b.touched.n+b.waiting+a.touched.n+a.waiting > 0 {
				out.SpeedToLead = append(out.SpeedToLead, speedChange(by, name, b, a))
			}
		}
	}
	failures := map[string]int{}
	for key, c := range r.now.find([]string{DimWeek, DimFailure}).cells {
		if w, reason, _ := strings.Cut(key, "\x00"); w == week && reason != "" {
			failures[reason] = c.leads
		}
	}
	out.Failures = counts(failures)
	out.Revenue = r.now.figures(nil, nil, r.now.cell([]string{DimClosedWeek}, week)).Deals
	out.RevenueBefore = r.before.figures(nil, nil, r.before.cell([]string{DimClosedWeek}, last)).Deals
	r.pools(out)
	out.ScoreGap = r.now.cell(nil).scoreGap()
	for i := r.o.Weeks - 1; i >= 0; i-- {
		w := Week(r.monday.AddDate(0, 0, -7*i))
		c := r.now.cell([]string{DimWeek}, w)
		out.Trend = append(out.Trend, Point{Week: w, Leads: c.leads, SALRate: Rate{w, c.accepted, c.assigned}, Leakage: Rate{w, c.leaked, c.due}, SpeedToLead: c.speed(w)})
	}
	for _, by := range r.o.Tables {
		groups, _ := r.now.Table(by...) // declared above
		out.Tables = append(out.Tables, Table{By: by, Groups: groups})
	}
	out.NoArrival = r.now.noTrace
	out.Unlinked = r.now.figures(nil, nil, &cell{deals: r.now.nobody}).Deals
	return out
}

func speedChange(by, group string, before, after *cell) SpeedChange {
	s := SpeedChange{By: by, Group: group, Before: before.speed(group), After: after.speed(group)}
	s.Beyond = s.comparable() && math.Abs(mannWhitney(&after.touched, &before.touched)) > zSure
	return s
}

// comparable reports whether there are eight waits on each side, which the
// normal approximation wants.
func (c *SpeedChange) comparable() bool { return c.Before.Count >= 8 && c.After.Count >= 8 }

// groups are the values of a dimension in both weeks: tiers by name, sources by
// size.
func (r *reviewer) groups(by, week, last string) []string {
	size := map[string]int{}
	for _, x := range []struct {
		t    *Tracker
		week string
	}{{r.now, week}, {r.before, last}} {
		x.t.settle()
		for key, c := range x.t.find([]string{DimWeek, by}).cells {
			if w, group, _ := strings.Cut(key, "\x00"); w == x.week {
				size[group] += c.leads
			}
		}
	}
	return slices.SortedFunc(maps.Keys(size), func(a, b string) int {
		if by == DimSource {
			return cmp.Or(cmp.Compare(size[b], size[a]), strings.Compare(a, b))
		}
		return strings.Compare(a, b)
	})
}

func (r *reviewer) pools(out *Review) {
	r.lastFold.settle()
	g := r.lastFold.find([]string{DimPool, DimOwner})
	for _, key := range slices.Sorted(maps.Keys(g.cells)) {
		if pool, member, _ := strings.Cut(key, "\x00"); pool != "" && g.cells[key].leads > 0 {
			out.Pools = append(out.Pools, PoolShare{Pool: pool, Member: leadloop.RepID(member), Leads: g.cells[key].leads})
		}
	}
	pools := r.lastFold.find([]string{DimPool}).cells
	for _, pool := range slices.Sorted(maps.Keys(pools)) {
		if s := pools[pool].fairness(); pool != "" && s.Count > 0 {
			out.Skew = append(out.Skew, PoolSkew{pool, s})
		}
	}
}

// Changes are all shares that changed beyond noise, and how many figures were
// compared: shares and the waits of SpeedToLead.
func (r *Review) Changes() (beyond []Change, compared int) {
	for _, c := range slices.Concat([]Change{r.Worked, r.Leakage, r.ContactRate, r.SLA, r.Unplaced, r.Overridden}, r.SALRate) {
		if c.Before.Of >= Enough && c.After.Of >= Enough {
			compared++
		}
		if c.Beyond {
			beyond = append(beyond, c)
		}
	}
	for _, s := range r.SpeedToLead {
		if s.comparable() {
			compared++
		}
	}
	return beyond, compared
}
