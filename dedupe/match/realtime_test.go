package match_test

import (
	"slices"
	"testing"

	"github.com/leadloop/leadloop/dedupe/match"
	"github.com/leadloop/leadloop/dedupe/match/matchtest"
	"github.com/leadloop/leadloop/dedupe/match/measure"
)

// TestQualityOfAGeneratedMarket measures generated leads at the default thresholds, learnt without labels: the clusters of a batch, and what an
// index says of each lead as it arrives. docs/MATCHING.md holds what it logs.
func TestQualityOfAGeneratedMarket(t *testing.T) {
	if testing.Short() || match.RaceDetector {
		t.Skip("takes a minute, and ten under the race detector")
	}
	for _, c := range []struct {
		records int
		seed    uint64
	}{{20_000, 1}, {10_000, 2}} {
		market := matchtest.New(c.records, c.seed)
		table, err := match.NewTable(append(match.Leads(), match.Field{Name: "mobile", Kind: match.KindPhone}, match.Field{Name: "linkedin_url", Kind: match.KindID}))
		if err != nil {
			t.Fatal(err)
		}
		var records []match.Record
		var truth []int
		entity := map[string]int{}
		for _, r := range market.Records() {
			rec := match.Record{ID: string(r.ID), Values: []string{
				r.FirstName, r.LastName, r.Email, r.Phone, r.Company, r.Website, r.Title, r.City, r.Country, r.Mobile, r.LinkedIn,
			}}
			if err := table.Add(rec); err != nil {
				t.Fatal(err)
			}
			records, truth = append(records, rec), append(truth, r.Entity)
			entity[rec.ID] = r.Entity
		}
		model, err := match.Learn(t.Context(), table, match.Options{})
		if err != nil {
			t.Fatal(err)
		}
		batch, err := model.Cluster(t.Context(), table, match.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var clusters []string
		for _, row := range batch.Rows {
			clusters = append(clusters, row.Cluster)
		}
		pairs := measure.CountPairs(truth, clusters)
		t.Logf("%d leads, seed %d: P %.4f R %.4f F1 %.4f, largest cluster %d, recall of blocking about %.4f", c.records, c.seed,
			pairs.Precision(), pairs.Recall(), pairs.F1(), batch.Largest, model.Report().Recall)
		if pairs.F1() < heldF1 {
			t.Errorf("%d leads, seed %d: pair F1 %.4f is below %v", c.records, c.seed, pairs.F1(), heldF1)
		}

		index, err := match.NewIndex(model, match.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var scored []measure.Scored
		auto := measure.Pairs{True: market.TruePairs()}
		asked, top := 0, measure.Top{}
		seen := map[int]bool{}
		for _, r := range records {
			found, err := index.Lookup(t.Context(), r, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range found {
				same := entity[c.ID] == entity[r.ID]
				scored = append(scored, measure.Scored{Score: c.Probability, Same: same})
				if c.Verdict == match.VerdictAuto {
					auto.Predicted++
					if same {
						auto.Both++
					}
				}
			}
			if slices.ContainsFunc(found, func(c match.Candidate) bool { return c.Verdict == match.VerdictReview }) {
				asked++
			}
			switch likely := len(found) > 0 && found[0].Probability >= 0.5; {
			case likely && entity[found[0].ID] == entity[r.ID], !likely && !seen[entity[r.ID]]:
				top.Right++
			case likely && seen[entity[r.ID]]:
				top.Wrong++
			case likely:
				top.Invented++
			default:
				top.Missed++
			}
			seen[entity[r.ID]] = true
			if err := index.Upsert(r); err != nil {
				t.Fatal(err)
			}
		}
		ece, _ := measure.Calibration(scored, 10)
		t.Logf("as they arrive: who it is, at once: %.4f right; auto: P %.5f of %.3f of true pairs; calibration error %.4f over %d pairs; %.3f of leads with a pair to review",
			top.Accuracy(), auto.Precision(), auto.Recall(), ece, len(scored), float64(asked)/float64(len(records)))
		if auto.Precision() < autoPrecision || auto.Recall() < autoShare {
			t.Errorf("%d leads, seed %d: auto: precision %.5f of %.3f of true pairs", c.records, c.seed, auto.Precision(), auto.Recall())
		}
		if ece > calibration {
			t.Errorf("%d leads, seed %d: calibration error %.4f", c.records, c.seed, ece)
		}
	}
}

// What is held, with a small margin where there is one. The goals are 0.97, 0.999 at 0.80, and 0.03. The precision of single look-ups is at its goal with the
// first seed: eight of 7,600 are wrong.
const (
	heldF1        = 0.975
	autoPrecision = 0.9987
	autoShare     = 0.80
	calibration   = 0.03
)
