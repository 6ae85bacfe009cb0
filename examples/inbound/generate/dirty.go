package main

import "strings"

// dirtyFile is a file as it comes out of somebody's spreadsheet: a byte-order
// mark, mixed line ends, and nearly every row wrong in its own way. The rows
// named "good-" can be captured, the others can't.
func dirtyFile() []byte {
	var b strings.Builder
	b.WriteString("\ufeff" + strings.Join(leadColumns, ",") + "\r\n")
	line := func(s string) { b.WriteString(s + "\r\n") }
	// row fills the other columns so that only what is said is wrong.
	row := func(id, at, email, first, last, phone, company, country, source string) {
		line(strings.Join([]string{id, at, email, first, last, "IT Manager", phone, company, "", country, "", "", "", source, "", "", "", "", "yes", ""}, ","))
	}
	const at, co, us = "2026-09-01T10:00:00Z", "Tableworks", "US"
	row("good-plain", at, "ann.reed@tableworks.example", "Ann", "Reed", "(212) 555-0123", co, us, "google")
	line("too-few," + at + ",bo.reed@tableworks.example,Bo,Reed")
	line("too-many," + at + ",cy.reed@tableworks.example,Cy,Reed,IT Manager,,Tableworks,,US,,,,google,,,,,yes,,extra,cells")
	row("no-at-sign", at, "dee.reed.tableworks.example", "Dee", "Reed", "", co, us, "google")
	row("two-at-signs", at, "ed@reed@tableworks.example", "Ed", "Reed", "", co, us, "google")
	row("no-such-ending", at, "fay.reed@tableworks.cmo", "Fay", "Reed", "", co, us, "google")
	row("blank-inside", at, "gil reed@tableworks.example", "Gil", "Reed", "", co, us, "google")
	row("not-an-address", at, "noemail@noemail.com", "Hal", "Reed", "", co, us, "google")
	row("bad-date", "31/02/2026", "ida.reed@tableworks.example", "Ida", "Reed", "", co, us, "google")
	row("no-date-at-all", "next tuesday", "jo.reed@tableworks.example", "Jo", "Reed", "", co, us, "google")
	row("far-future", "2062-09-01T10:00:00Z", "kit.reed@tableworks.example", "Kit", "Reed", "", co, us, "google")
	row("good-day-only", "2026-09-01", "lou.reed@tableworks.example", "Lou", "Reed", "", co, us, "google")
	row("good-windows-1252", at, "max.m@tableworks.example", "Max", "M\xfcller", "", co, "DE", "google")
	row("broken-utf-8", at, "ned@tableworks.example", "Ned", "Ol\xc3", "", co, us, "google")
	row("nul", at, "oz@tableworks.example", "Oz", "Re\x00ed", "", co, us, "google")
	row("no-company", at, "pat.reed.77123@gmail.com", "Pat", "Reed", "", "", us, "google")
	row("placeholder-company", at, "quin.reed.77124@gmail.com", "Quin", "Reed", "", "n/a", us, "google")
	row("no-way-to-reach", at, "", "Ray", "Reed", "", co, us, "google")
	row("letters-for-a-phone", at, "", "Sue", "Reed", "call me", co, us, "google")
	row("no-source", at, "ty.reed@tableworks.example", "Ty", "Reed", "", co, us, "")
	line(`quote-in-the-middle,` + at + `,wes.reed@tableworks.example,W"e"s,"Re"ed,IT Manager,,Tableworks,,US,,,,google,,,,,yes,`)
	line(`huge-cell,` + at + `,xena.reed@tableworks.example,Xena,Reed,IT Manager,,Tableworks,,US,,,,google,,,,,yes,` + strings.Repeat("blah ", 14_000))
	line("")
	line(`good-quoted,` + at + `,"yan.reed@tableworks.example",Yan,"Reed, Jr.",IT Manager,,"Tableworks, ""the"" company",,US,,,,google,,,,,yes,"two` + "\n" + `lines"`)
	row("good-bad-phone", at, "zoe.reed@tableworks.example", "Zoe", "Reed", "12", co, us, "google")
	row("good-bad-country", at, "abe.reed@tableworks.example", "Abe", "Reed", "", co, "Atlantis", "google")
	line(strings.Repeat(",", len(leadColumns)-1))
	line("semicolons;" + at + ";ben.reed@tableworks.example;Ben;Reed")
	line(`unclosed-quote,` + at + `,uma.reed@tableworks.example,"Uma,Reed,IT Manager,,Tableworks,,US,,,,google,,,,,yes,`)
	row("good-after-the-quote", at, "vic.reed@tableworks.example", "Vic", "Reed", "", co, us, "google")
	b.WriteString("good-last-without-line-end," + at + ",cal.reed@tableworks.example,Cal,Reed,,,Tableworks,,US,,,,google,,,,,,")
	return []byte(b.String())
}
