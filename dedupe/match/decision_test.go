package match_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"strconv"
	"strings"
	"testing"

	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/dedupe/match/matchtest"
)

// What somebody decided came back to the review queue, with the probability that it had before.
func TestAPairThatSomebodyDecidedNeedsNoLookAnyMore(t *testing.T) {
	var rows []match.Record
	for _, r := range matchtest.New(1000, 1).Records() {
		rows = append(rows, match.Record{ID: string(r.ID), Values: []string{r.FirstName, r.LastName, r.Email, r.Phone, r.Company, r.Website, r.Title, r.City, r.Country}})
	}
	tab := table(t, match.Leads(), rows...)
	m, err := match.Learn(context.Background(), tab, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	unsure := func(o match.Options) match.ScoredPair {
		res, err := m.Cluster(context.Background(), tab, o)
		if err != nil {
			t.Fatal(err)
		}
		size := map[int]int{}
		for _, first := range res.First {
			size[first]++
		}
		for _, p := range res.Pairs {
			if p.Verdict == match.VerdictReview && size[res.First[p.A]] == 1 && size[res.First[p.B]] == 1 {
				return p
			}
		}
		t.Fatal("there is no pair to review")
		return match.ScoredPair{}
	}
	var o match.Options
	p := unsure(o)
	for _, same := range []bool{true, false} {
		o.Decisions = []match.Decision{{A: rows[p.A].ID, B: rows[p.B].ID, Same: same}}
		res, err := m.Cluster(context.Background(), tab, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range res.Pairs {
			want := map[bool]match.Verdict{true: match.VerdictAuto, false: match.VerdictNew}[same]
			if q.A == p.A && q.B == p.B && (q.Verdict != want || q.Joined != same || q.Probability != p.Probability) {
				t.Errorf("said to be the same: %t, but the verdict is %s, joined %t, probability %v before and %v now", same, q.Verdict, q.Joined, p.Probability, q.Probability)
			}
		}
		if got := res.Rows[p.B].Probability; same && got < 0.999 {
			t.Errorf("said to be the same, but belongs to its cluster with probability %v", got)
		}
	}
}

func TestThePictureOfAPairHasRoomForLongNames(t *testing.T) {
	p := match.Pair{Prior: -10, Weight: 2, Probability: 0.8, Lines: []match.Line{
		{Field: strings.Repeat("a very long name of a column ", 4), Level: "same mailbox at another host", Weight: 12.5, Frequency: 0.001},
		{Field: "city", Level: "same", Weight: -0.5, Frequency: -0.2},
	}}
	var b bytes.Buffer
	if err := p.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	var picture struct {
		Width   string `xml:"width,attr"`
		Height  string `xml:"height,attr"`
		ViewBox string `xml:"viewBox,attr"`
		Text    []struct {
			X     float64 `xml:"x,attr"`
			Value string  `xml:",chardata"`
		} `xml:"text"`
		Rect []struct {
			X     float64 `xml:"x,attr"`
			Width float64 `xml:"width,attr"`
		} `xml:"rect"`
	}
	if err := xml.Unmarshal(b.Bytes(), &picture); err != nil {
		t.Fatal(err)
	}
	width, err := strconv.ParseFloat(picture.Width, 64)
	if err != nil || picture.ViewBox != "0 0 "+picture.Width+" "+picture.Height {
		t.Errorf("it is %s wide and shows %s: it does not scale", picture.Width, picture.ViewBox)
	}
	for i, text := range picture.Text {
		const letter = 6.3 // of sans-serif at 12
		if label := i%2 == 0; label && text.X-letter*float64(len([]rune(text.Value))) < -10 {
			t.Errorf("%q is cut off at the left", text.Value)
		}
		if text.X > width-30 {
			t.Errorf("%q is cut off at the right", text.Value)
		}
	}
	if got := len(picture.Rect); got != 5 { // prior, two lines, one frequency, total
		t.Errorf("%d bars; what makes no difference has none", got)
	}
	for _, r := range picture.Rect {
		if r.X < 0 || r.X+r.Width > width {
			t.Errorf("a bar from %v, %v wide, leaves the picture", r.X, r.Width)
		}
	}
}
