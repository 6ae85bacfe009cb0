package main

import (
	"fmt"
	"strings"
)

// numbering is how made-up numbers of a country are written: national prefixes
// and how many digits follow. Where a regulator keeps ranges for fiction these
// are used (US and CA 555-01xx, GB 496 0xxx and 2018 0xxx, DE, FR, AU, SE); elsewhere the
// numbers hold 555.
type numbering struct {
	code     string
	prefixes []string // with the trunk zero, groups separated by blanks
	digits   int
}

var numbers = map[string]numbering{
	"US": {"1", strings.Fields("212-555-01 617-555-01 305-555-01 404-555-01 512-555-01 214-555-01 312-555-01 612-555-01 303-555-01 801-555-01 415-555-01 619-555-01 " +
		"206-555-01 503-555-01 919-555-01 614-555-01 713-555-01 202-555-01 313-555-01 602-555-01 216-555-01 704-555-01 628-555-01"), 2},
	"CA": {"1", strings.Fields("416-555-01 613-555-01 514-555-01 604-555-01 403-555-01 647-555-01 438-555-01"), 2},
	"GB": {"44", strings.Split("0113 496 0,0114 496 0,029 2018 0,0116 496 0,0118 496 0,0121 496 0,0131 496 0,0141 496 0,0161 496 0", ","), 3},
	"DE": {"49", strings.Split("030 23125 ,069 90009 ,040 66969 ", ","), 3},
	"FR": {"33", strings.Split("01 99 00 ,02 61 91 ,04 65 71 ", ","), 4},
	"AU": {"61", strings.Split("02 5550 ,03 5550 ,07 5550 ", ","), 4},
	"SE": {"46", []string{"08 465 004 "}, 2},
	"IN": {"91", []string{"022 5550 ", "080 5550 ", "040 5550 "}, 4},
	"BR": {"55", []string{"11 5550 ", "21 5550 ", "31 5550 "}, 4},
	"NL": {"31", []string{"020 555 ", "030 555 "}, 4},
	"IE": {"353", []string{"01 555 "}, 4},
	"IT": {"39", []string{"06 5550 ", "02 5550 "}, 4},
	"ES": {"34", []string{"91 555 ", "93 555 "}, 4},
	"CH": {"41", []string{"044 555 ", "031 555 "}, 4},
	"AT": {"43", []string{"01 555 "}, 4},
	"DK": {"45", []string{"70 55 "}, 4},
}

// phone hands out the next number of a country, in one of the ways people
// type it; "" for people who leave the field empty.
func (k *cast) phone(at place) string {
	n, ok := numbers[at.country]
	if !ok || k.d.chance(0.34) {
		return ""
	}
	// Both counters run through all their values before a number comes twice.
	i := k.phones[n.code+at.country]
	k.phones[n.code+at.country]++
	space := 1
	for range n.digits {
		space *= 10
	}
	prefix := n.prefixes[i%len(n.prefixes)]
	national := prefix + fmt.Sprintf("%0*d", n.digits, i*37%space)
	if n.code == "1" {
		return k.american(national)
	}
	international := "+" + n.code + " " + strings.TrimPrefix(national, "0")
	if n.code == "39" {
		international = "+39 " + national // Italy keeps the zero
	}
	return choose(k.d, []weighted[string]{
		{international, 45},
		{national, 28},
		{strings.ReplaceAll(international, " ", ""), 12},
		{"00" + strings.TrimPrefix(international, "+"), 5},
		{strings.ReplaceAll(national, " ", "-"), 6},
		{strings.ReplaceAll(national, " ", "/"), 4},
	})
}

func (k *cast) american(national string) string {
	area, rest := national[:3], national[4:]
	return choose(k.d, []weighted[string]{
		{"(" + area + ") " + rest, 38},
		{national, 22},
		{"+1 " + area + " " + strings.ReplaceAll(rest, "-", " "), 14},
		{area + strings.ReplaceAll(rest, "-", ""), 10},
		{area + "." + strings.ReplaceAll(rest, "-", "."), 8},
		{"1-" + national, 5},
		{"(" + area + ") " + rest + fmt.Sprintf(" ext. %d", k.d.between(100, 999)), 3},
	})
}

// junk is what people type who don't want to be called.
var junk = []string{"n/a", "call me maybe", "0000000000", "555-CALL-NOW", "-", "123", "will follow", "+1 (555) 555-5555"}
