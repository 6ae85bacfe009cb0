package normalize_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadloop/leadloop/normalize"
)

func TestCompany(t *testing.T) {
	for _, tt := range []struct{ name, in, wantName, wantForm, wantKey string }{
		{"no legal form", "Acme", "Acme", "", "acme"},
		{"a comma before the form", "Acme, Inc.", "Acme", "Inc", "acme"},
		{"the form spelled out", "Acme Incorporated", "Acme", "Inc", "acme"},
		{"the longest form wins", "Müller Bau GmbH & Co. KG", "Müller Bau", "GmbH & Co. KG", "muller bau"},
		{"the longest form glued together", "Müller Bau GmbH&Co.KG", "Müller Bau", "GmbH & Co. KG", "muller bau"},
		{"dotted and spaced out", "Kowalski Sp. z o. o.", "Kowalski", "Sp. z o.o.", "kowalski"},
		{"a Mexican form", "Bimbo S.A. de C.V.", "Bimbo", "SA de CV", "bimbo"},
		{"an Asian double form", "Shenzhen Acme Co., Ltd.", "Shenzhen Acme", "Co Ltd", "shenzhen acme"},
		{"two words", "Acme Pte Ltd", "Acme", "Pte Ltd", "acme"},
		{"a bracketed word in the form", "Acme (Pty) Ltd", "Acme", "Pty Ltd", "acme"},
		{"a bracketed form", "Acme UG (haftungsbeschränkt)", "Acme", "UG", "acme"},
		{"a slashed form", "Mærsk A/S", "Mærsk", "AS", "maersk"},
		{"one form behind another", "Boston Beer Company, Inc.", "Boston Beer", "Inc", "boston beer"},
		{"and Company", "Tiffany & Co.", "Tiffany", "Co", "tiffany"},
		{"an ampersand within the name", "Procter & Gamble", "Procter & Gamble", "", "procter and gamble"},
		{"an ampersand within a word", "AT&T Inc.", "AT&T", "Inc", "at and t"},
		{"a leading article", "The Walt Disney Company", "The Walt Disney", "Co", "walt disney"},
		{"a form alone stays", "Limited", "Limited", "", "limited"},
		{"a form and an article stay", "The Limited", "The Limited", "", "limited"},
		{"two forms alone leave one", "Limited Company", "Limited", "Co", "limited"},
		{"a form inside a word stays", "Agfa", "Agfa", "", "agfa"},
		{"a form in the middle stays", "AG Insurance", "AG Insurance", "", "ag insurance"},
		{"a hyphened form goes", "Musterbau-GmbH", "Musterbau", "GmbH", "musterbau"},
		{"a Japanese form in front, without a blank", "株式会社日立製作所", "日立製作所", "株式会社", "日立製作所"},
		{"a Japanese form behind", "トヨタ自動車株式会社", "トヨタ自動車", "株式会社", "トヨタ自動車"},
		{"a Japanese form in brackets", "(株)日立製作所", "日立製作所", "株式会社", "日立製作所"},
		{"a Chinese form", "腾讯科技(深圳)有限公司", "腾讯科技(深圳)", "有限公司", "腾讯科技 深圳"},
		{"a Korean form", "㈜카카오", "카카오", "주식회사", "카카오"},
		{"a Russian form in front, quoted", "ООО «Ромашка»", "Ромашка", "ООО", "ромашка"},
		{"an Indonesian form on both sides", "PT Astra International Tbk", "Astra International", "PT Tbk", "astra international"},
		{"a Greek form", "Μυτιληναίος Α.Ε.", "Μυτιληναίος", "ΑΕ", "μυτιληναιοσ"},
		{"accents and apostrophes", "L’Oréal S.A.", "L’Oréal", "SA", "loreal"},
		{"dotted initials", "J.P. Morgan", "J.P. Morgan", "", "jp morgan"},
		{"a domain as a name", "Amazon.com, Inc.", "Amazon.com", "Inc", "amazon com"},
		{"white space", "  Acme \t Inc ", "Acme", "Inc", "acme"},
		{"nothing", " ", "", "", ""},
		{"punctuation only", "--", "--", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := normalize.Company(tt.in)
			want := normalize.CompanyName{Display: normalize.Text(tt.in), Name: tt.wantName, LegalForm: tt.wantForm, Key: tt.wantKey}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Company (-want +got):\n%s", diff)
			}
		})
	}
}
