package scoring

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/rules"
)

// batchModel is a model made ready for the columns of a layout.
type batchModel struct {
	m      *Model
	asOf   time.Time
	asOfNS int64
	layout *rules.Layout
	span   bool // ranges are asked for

	all *rules.ColumnSet // all expressions
	// asking are the expressions of rules and modifiers that can hold for what
	// does not exist, by position in asked.
	asking  *rules.ColumnSet
	asked   []int
	askedAt []int // by expression: position in asked, or -1

	// plain rules are a condition and constant points. They are added up by
	// tables, eight rules at a time, all of one group.
	plain   []bool
	order   []int // plain rules; -1 fills up
	tables  [][256]leadloop.Points
	groupOf []int // by table
	// rejecting are the rules that disqualify, expired the modifiers that no
	// longer count.
	rejecting []int
	expired   []bool
}

// newBatchModel binds a model to a layout, a new one if there is none.
func newBatchModel(m *Model, l *rules.Layout, asOf time.Time, o BatchOptions) (*batchModel, error) {
	p := &batchModel{m: m, asOf: asOf.Round(0).UTC(), layout: l, span: o.Range}
	if asOf.IsZero() {
		return nil, fmt.Errorf("scoring: %w: no moment to score at", leadloop.ErrInvalid)
	}
	var near bool
	if p.asOfNS, near = leadloop.NearTime(p.asOf); !near {
		return nil, fmt.Errorf("scoring: %w: the moment is more than 146 years from 1970", leadloop.ErrInvalid)
	}
	var err error
	if p.layout == nil {
		more := rules.Inputs{Fields: o.Fields, Activities: slices.Concat(o.Activities, m.types)}
		if p.layout, err = rules.NewLayout(m.set, more); err != nil {
			return nil, fmt.Errorf("scoring: %w", err)
		}
	}
	for _, t := range m.types {
		if missing, ok := p.layout.Covers(rules.Inputs{Activities: []string{t}}); !ok {
			return nil, fmt.Errorf("scoring: %w: the model reads %s, which the batch does not have", leadloop.ErrInvalid, missing)
		}
	}
	p.askedAt = make([]int, m.set.Len())
	for i := range p.askedAt {
		p.askedAt[i] = -1
	}
	ask := func(positions ...int) {
		for _, i := range positions {
			if i >= 0 && p.askedAt[i] < 0 {
				p.askedAt[i] = len(p.asked)
				p.asked = append(p.asked, i)
			}
		}
	}
	p.plain, p.expired = make([]bool, len(m.rules)), make([]bool, len(m.changes))
	for i := range m.rules {
		r := &m.rules[i]
		if r.group < 0 {
			p.rejecting = append(p.rejecting, i)
			continue
		}
		if r.asks {
			ask(r.when, r.points)
		}
		p.plain[i] = !r.asks && r.when >= 0 && r.points < 0 && r.each < 0
	}
	for i := range m.changes {
		p.expired[i] = !p.asOf.Before(m.changes[i].expires)
		if m.changes[i].asks {
			ask(m.changes[i].when)
		}
	}
	if p.asking, err = m.set.Columns(p.layout, p.asOf, p.asked); err != nil {
		return nil, fmt.Errorf("scoring: %w", err)
	}
	p.tabulate()
	return p, nil
}

// columns binds all expressions; that may not be needed for all models.
func (p *batchModel) columns() (*rules.ColumnSet, error) {
	if p.all == nil {
		which := make([]int, p.m.set.Len())
		for i := range which {
			which[i] = i
		}
		var err error
		if p.all, err = p.m.set.Columns(p.layout, p.asOf, which); err != nil {
			return nil, fmt.Errorf("scoring: %w", err)
		}
	}
	return p.all, nil
}

// tabulate makes the tables of plain rules.
func (p *batchModel) tabulate() {
	for g := range p.m.groups {
		for i := range p.m.rules {
			if p.plain[i] && p.m.rules[i].group == g {
				p.order = append(p.order, i)
			}
		}
		for len(p.order)%8 > 0 {
			p.order = append(p.order, -1)
		}
		for len(p.groupOf) < len(p.order)/8 {
			p.groupOf = append(p.groupOf, g)
		}
	}
	p.tables = make([][256]leadloop.Points, len(p.groupOf))
	for t := range p.tables {
		for set := range 256 {
			for k, i := range p.order[t*8 : t*8+8] {
				if i >= 0 && set>>k&1 != 0 {
					p.tables[t][set] += p.m.rules[i].constant
				}
			}
		}
	}
}

// source tells expressions apart: those with the same source come to the same.
func (p *batchModel) source(i int) string {
	if i < 0 {
		return ""
	}
	r := p.m.set.Rule(i)
	return r.Type.String() + " " + strings.TrimSpace(r.Expression.Text)
}

// gives tells rules apart: those of which it is the same give the same.
func (p *batchModel) gives(i int) string {
	r := &p.m.rules[i]
	return fmt.Sprintf("%q %q %d %d %q %v %d %q %v %v", p.source(r.when), p.source(r.points), r.constant, r.group, r.eachType, r.decay, r.max, r.disqualify,
		r.weight, r.asks)
}
