// Command score scores one lead in memory: what a form sent, a model, an
// answer with its reasons. There is no store, no network and no clock.
//
//	go run ./examples/score
package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/leadloop/leadloop"
	"github.com/leadloop/leadloop/capture"
	"github.com/leadloop/leadloop/dedupe"
	"github.com/leadloop/leadloop/scoring"
)

//go:embed scoring.yaml
var scoringYAML []byte

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	now := time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)

	// The model is compiled once and shared by all goroutines.
	def, err := scoring.Parse("scoring.yaml", scoringYAML)
	if err != nil {
		return err
	}
	schema, err := def.Schema()
	if err != nil {
		return err
	}
	model, err := scoring.New(def, schema, scoring.Options{})
	if err != nil {
		return err
	}

	// What the form sent becomes claims: normalised, and with what follows from
	// them, such as the seniority that a title names.
	form, err := capture.New(schema, capture.Source{Name: "demo-form", LeadSource: "website"})
	if err != nil {
		return err
	}
	payload, err := form.Form(url.Values{
		"E-Mail": {"Ana.Costa@Riverton.example "}, "First name": {"ana"}, "Last name": {"COSTA"}, "Job title": {"VP of Operations"},
		"Company": {"Riverton Ltd"}, "Country": {"UK"}, "Phone": {"020 7946 0123"},
	}, nil)
	if err != nil {
		return err
	}
	submission, _, err := form.Submission(payload, now)
	if err != nil {
		return err
	}

	// Which claim is believed is a policy's choice; the result is the profile
	// that rules read.
	profile := leadloop.Golden(schema, dedupe.DefaultPolicy(), submission.Claims)
	explanation, err := model.Explain(ctx, scoring.Input{
		Profile: profile,
		Activities: []leadloop.Activity{
			{ID: "a1", Type: "pricing_view", At: now.AddDate(0, 0, -3)},
			{ID: "a2", Type: "pricing_view", At: now.Add(-10 * time.Minute)},
			{ID: "a3", Type: "demo_request", At: now},
		},
		AsOf: now,
	})
	if err != nil {
		return err
	}
	fmt.Print(explanation)
	return nil
}
