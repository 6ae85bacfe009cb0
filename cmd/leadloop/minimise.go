package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/leadloop/leadloop/playbook"
)

type minimiseCmd struct {
	stored
	Playbook string `required:"" placeholder:"DIR" help:"Folder with the rules that say what is read."`
	JSON     bool   `help:"Print one object."`
}

func (c *minimiseCmd) Run(ctx context.Context, s streams) (err error) {
	pb, problems := loadPlaybook(c.Playbook)
	if errs, _ := problems.Split(); len(errs) > 0 {
		for _, p := range errs {
			s.say("%v", p)
		}
		return &exitError{exitUsage, fmt.Errorf("the playbook has %s", plural(len(errs), "problem"))}
	}
	st, err := c.Store.there(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	held, err := pb.Minimise(ctx, st)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(s.out).Encode(map[string]any{"playbook": pb.Name(), "currency": pb.Currency(), "fields": held})
	}
	_, err = io.WriteString(s.out, minimised(pb, held))
	return err
}

// minimised is the report, needless fields first.
func minimised(pb *playbook.Playbook, held []playbook.Holding) string {
	var b strings.Builder
	needless, people := 0, 0
	for _, h := range held {
		if h.Needless() {
			needless++
			if h.Person {
				people++
			}
		}
	}
	fmt.Fprintf(&b, "%s held, of which nothing reads %d, %d of those about a person.\n", plural(len(held), "field"), needless, people)
	for _, part := range []struct {
		title    string
		needless bool
	}{{"Read by no rule and for nothing else: leave them out of forms, lists and enrich.yaml", true}, {"Read, or needed", false}} {
		t := newTable(&b, part.title)
		t.AppendHeader(table.Row{"field", "about", "leads", "bought", "spent", "read by", "for"})
		rows := 0
		for _, h := range held {
			if h.Needless() != part.needless {
				continue
			}
			rows++
			about, readers := "company", strings.Join(h.Readers[:min(3, len(h.Readers))], ", ")
			if h.Person {
				about = "person"
			} else if strings.HasPrefix(h.Field, "lead.") {
				about = "origin"
			}
			if more := len(h.Readers) - 3; more > 0 {
				readers += fmt.Sprintf(" and %d more", more)
			}
			t.AppendRow(table.Row{h.Field, about, thousands(int64(h.Leads)), thousands(int64(h.Bought)), money(h.Spent, pb.Currency()), readers, strings.Join(h.Uses, ", ")})
		}
		if rows > 0 {
			t.Render()
		}
	}
	return b.String()
}
