package playbook

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/routing"
	"github.com/leadloop/leadloop/rules"
)

// expression is one CEL expression of the model.
type expression struct {
	rule    rules.Rule
	reader  string // as a person would call whose it is
	rejects bool
}

// expressions are those of rules, modifiers and weights, without numbers.
func (p *Playbook) expressions() []expression {
	var out []expression
	add := func(reader string, e leadloop.Expression, kind leadloop.Kind, rejects bool) {
		if _, err := strconv.ParseFloat(strings.TrimSpace(e.Text), 64); e.IsZero() || err == nil {
			return
		}
		out = append(out, expression{rules.Rule{ID: strconv.Itoa(len(out)), Expression: e, Type: kind}, reader, rejects})
	}
	for _, r := range p.scoring.Rules {
		add("rule "+r.ID, r.When, leadloop.KindBool, r.Disqualify != "")
		add("rule "+r.ID, r.Points, leadloop.KindFloat, false)
	}
	for _, m := range p.scoring.Modifiers {
		add("modifier "+m.ID, m.When, leadloop.KindBool, false)
	}
	return out
}

// routingExpressions are the conditions of entries, territories and policies as
// CEL, and the fields that routing also looks at in a way that these don't say.
func (p *Playbook) routingExpressions(first int) (out []expression, loose map[string]bool) {
	reader := ""
	add := func(text string) {
		r := rules.Rule{ID: strconv.Itoa(first + len(out)), Expression: leadloop.Expression{Text: text}, Type: leadloop.KindBool}
		out = append(out, expression{rule: r, reader: reader})
	}
	oneOf := func(field string, values []string) {
		for _, v := range values {
			add(field + " == " + strconv.Quote(v))
		}
	}
	between := func(r *routing.Range) {
		if r != nil && r.Min != nil {
			add(fmt.Sprintf("%s >= %d", leadloop.Employees.Name(), *r.Min))
		}
		if r != nil && r.Max != nil {
			add(fmt.Sprintf("%s <= %d", leadloop.Employees.Name(), *r.Max))
		}
	}
	loose = map[string]bool{}
	whole := true
	for _, e := range p.routing.Chain {
		reader = "entry " + e.ID
		oneOf(leadloop.Source.Name(), e.Source)
		oneOf(leadloop.Partner.Name(), e.Partner)
		oneOf(leadloop.Country.Name(), e.Country)
		oneOf(leadloop.Region.Name(), e.Region)
		oneOf(leadloop.Industry.Name(), e.Industry)
		oneOf(leadloop.ProductInterest.Name(), e.Product)
		oneOf(leadloop.Language.Name(), e.Language)
		oneOf(leadloop.Seniority.Name(), e.Seniority)
		between(e.Employees)
		if !e.When.IsZero() {
			add(e.When.Text)
		}
		if len(e.Accounts) > 0 || e.AccountsFile != "" {
			loose[leadloop.Domain.Name()] = true
		}
		if len(e.Postcode) > 0 {
			loose[postcodeField] = true
		}
		for _, f := range asksOf(&e.Target) {
			loose[f] = true
		}
		known := routing.Entry{
			ID: e.ID, When: e.When, Source: e.Source, Partner: e.Partner, Country: e.Country, Region: e.Region, Industry: e.Industry,
			Product: e.Product, Language: e.Language, Seniority: e.Seniority, Tier: e.Tier, Employees: e.Employees, Postcode: e.Postcode,
			Accounts: e.Accounts, AccountsFile: e.AccountsFile, Territory: e.Territory, Target: e.Target, At: e.At,
		}
		whole = whole && reflect.DeepEqual(e, known)
	}
	for _, t := range p.routing.Territories {
		reader = "territory " + t.ID
		oneOf(leadloop.Country.Name(), t.Country)
		oneOf(leadloop.Region.Name(), t.Region)
		oneOf(leadloop.Industry.Name(), t.Industry)
		between(t.Employees)
		if len(t.Accounts) > 0 || t.AccountsFile != "" {
			loose[leadloop.Domain.Name()] = true
		}
		if len(t.Postcode) > 0 {
			loose[postcodeField] = true
		}
		known := routing.Territory{
			ID: t.ID, Country: t.Country, Region: t.Region, Postcode: t.Postcode, Industry: t.Industry, Employees: t.Employees, Accounts: t.Accounts,
			AccountsFile: t.AccountsFile, Priority: t.Priority, Rep: t.Rep, Pool: t.Pool, Queue: t.Queue, At: t.At,
		}
		whole = whole && reflect.DeepEqual(t, known)
	}
	for _, d := range p.sla.Policies {
		if reader = "response time " + d.ID; !d.When.IsZero() {
			add(d.When.Text)
		}
	}
	for _, d := range p.routing.Pools {
		// Whom a pool chooses can depend on more than its entry asks.
		whole = whole && plainPool(d.Strategy)
	}
	if !whole {
		for _, f := range p.router.Fields() {
			loose[f] = true
		}
	}
	return out, loose
}

// postcodeField is the field of a host that routing reads.
const postcodeField = "lead.postcode"

// asksOf are the fields by which a target chooses between people.
func asksOf(t *routing.Target) []string {
	var out []string
	for _, a := range []struct {
		asks  bool
		field string
	}{
		{t.Speaks, leadloop.Language.Name()},
		{t.Sells, leadloop.ProductInterest.Name()},
		{t.ZoneWithin > 0, leadloop.Timezone.Name()},
		{slices.ContainsFunc(append([]string{t.OwnerOf, t.Alert}, t.Owners...), func(of string) bool {
			return of == routing.OfNamedAccount || of == routing.OfDomain
		}), leadloop.Domain.Name()},
	} {
		if a.asks {
			out = append(out, a.field)
		}
	}
	return out
}

// plainPool tells pools whose choice does not depend on the lead.
func plainPool(strategy string) bool {
	switch strategy {
	case "", routing.StrategyFair, routing.StrategyPriority, routing.StrategyLeastLoaded, routing.StrategyWeighted, routing.StrategyClaim:
		return true
	}
	return false
}
