package learn

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAnEdgePartsItsValuesAndIsRound(t *testing.T) {
	for _, c := range []struct{ low, high, want float64 }{
		{1, 2, 2}, {0.1234, 0.1278, 0.125}, {199, 203, 200}, {-3, -1, -1}, {4.855, 4.857, 4.856}, {0, 1e-9, 1e-9}, {-0.5, 0.5, 0.5}, {999_999, 1_000_001, 1e6},
	} {
		if got := roundest(c.low, c.high); got <= c.low || got > c.high || len(plainNumber(got)) > len(plainNumber(c.want)) {
			t.Errorf("between %v and %v: %v, expected such as %v", c.low, c.high, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(-1e9, 1e9).Draw(t, "a"), rapid.Float64Range(-1e9, 1e9).Draw(t, "b")
		if a == b {
			return
		}
		low, high := min(a, b), max(a, b)
		if got := roundest(low, high); got <= low || got > high {
			t.Fatalf("%v is not above %v and up to %v", got, low, high)
		}
	})
}

func TestBandsAreInOrderAndHoldEveryNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sample := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-100, 100), rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-5, 5).Draw(t, "whole")) })), 1, 600).Draw(t, "sample")
		a := axis{Kind: KindNumber, Edges: bandEdges(sample)}
		if !slices.IsSorted(a.Edges) || len(slices.Compact(slices.Clone(a.Edges))) != len(a.Edges) || a.codes() > 256 {
			t.Fatalf("%d edges: %v", len(a.Edges), a.Edges)
		}
		for _, f := range append(sample, math.MaxFloat64, -math.MaxFloat64) {
			code := int(a.codeOf(f))
			if code < 1 || code >= a.codes() || code > 1 && f < a.Edges[code-2] || code-1 < len(a.Edges) && f >= a.Edges[code-1] {
				t.Fatalf("%v has code %d of %v", f, code, a.Edges)
			}
		}
	})
}

func TestNumbersAreReadAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct {
		cell string
		want float64
		ok   bool
	}{
		{"12", 12, true}, {"-3.5", -3.5, true}, {"1,234,567.8", 1234567.8, true}, {"$1,200", 1200, true}, {"-€5", -5, true}, {"12%", 12, true}, {"1e3", 1000, true},
		{"", 0, false}, {"1,2", 0, false}, {"NaN", 0, false}, {"+Inf", 0, false}, {"12 apples", 0, false}, {"2026-11-02", 0, false}, {"0x10", 0, false},
	} {
		if got, ok := toNumber(c.cell, false); ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %v %v, expected %v %v", c.cell, got, ok, c.want, c.ok)
		}
	}
}

func TestNamesOfFieldsAreIdentifiers(t *testing.T) {
	for column, want := range map[string]string{"emp.var.rate": "emp_var_rate", "dealStage": "deal_stage", "Größe (m)": "gre_m", "2nd call": "column_2nd_call", "IN": "in_column", "Package": "package_column", "": "column", strings.Repeat("x", 60): strings.Repeat("x", 40)} {
		if got := Slug(column); got != want {
			t.Errorf("%q: %q, expected %q", column, got, want)
		}
	}
}
